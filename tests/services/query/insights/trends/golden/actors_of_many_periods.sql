-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707695999999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 3600000000) AS i,
      e.person_id AS actor
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  of_each AS (
    SELECT actor, groupUniqArray(i) AS a
    FROM counting
    GROUP BY actor
  ),
  active AS (
    SELECT arrayJoin(a) AS i
    FROM of_each
  )
SELECT i, count() AS number
FROM active
GROUP BY i
