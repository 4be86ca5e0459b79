-- p0 = $pageview
-- p1 = 1
-- p2 = 1706745600000000
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT 0 AS i
    FROM events AS e
    WHERE
      e.team_id = {p1:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  )
SELECT i, count() AS number
FROM counting
GROUP BY i
