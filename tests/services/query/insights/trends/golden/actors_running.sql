-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i,
      e.person_id AS actor
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  ),
  firsts AS (
    SELECT actor, min(i) AS i
    FROM counting
    GROUP BY actor
  )
SELECT i, count() AS number
FROM firsts
GROUP BY i
