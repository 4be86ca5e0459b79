-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      if(e.properties.`price`.:String IS NULL, coalesce(e.properties.`price`.:Float64, toFloat64(e.properties.`price`.:Int64)), ifNotFinite(toFloat64OrNull(e.properties.`price`.:String), NULL)) AS k0,
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  )
SELECT min(k0) AS min0, max(k0) AS max0
FROM counting
