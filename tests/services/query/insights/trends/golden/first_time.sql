-- p0 = 1706745600000000
-- p1 = 1707004799999999
-- p2 = $pageview
-- p3 = 1
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p0:Int64}, 86400000000) AS i,
      e.person_id AS actor,
      e.timestamp AS at
    FROM events AS e
    WHERE
      e.team_id = {p3:Int64} AND
      e.timestamp <= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      (e.event = {p2:String})
  ),
  firsts AS (
    SELECT actor, min(i) AS i
    FROM counting
    GROUP BY actor
    HAVING min(at) >= fromUnixTimestamp64Micro({p0:Int64}, 'UTC')
  )
SELECT i, count() AS number
FROM (
  SELECT i
  FROM firsts
)
GROUP BY i
