-- p0 = $pageview
-- p1 = 9223372036854775807
-- p2 = 1706745600000000
-- p3 = 1
-- p4 = 1707004799999999
WITH
  counting AS (
    SELECT intDiv(toUnixTimestamp64Micro(e.timestamp) - {p2:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p3:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (e.event = {p0:String}) AND
      cityHash64(e.person_id) <= {p1:UInt64}
  )
SELECT i, count() AS number
FROM counting
GROUP BY i
