-- p0 = $pageview
-- p1 = 1706832000000000
-- p2 = 1
-- p3 = 1706745600000000
-- p4 = 1707004799999999
WITH
  counting AS (
    SELECT toUInt8(e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC')) AS i
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p0:String})
  )
SELECT i, count() AS number
FROM counting
GROUP BY i
