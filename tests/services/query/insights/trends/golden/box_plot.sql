-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i,
      if(e.properties.`price`.:String IS NULL, coalesce(e.properties.`price`.:Float64, toFloat64(e.properties.`price`.:Int64)), ifNotFinite(toFloat64OrNull(e.properties.`price`.:String), NULL)) AS n
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  )
SELECT
  i,
  quantilesExactInclusive(0, 0.25, 0.5, 0.75, 1)(n) AS number,
  if(max(abs(n)) < 1e36, toFloat64((((toInt256(sum(toInt128(toInt64(ifNull(if(abs(n) < 1e36, n, 0), 0) / exp2(60))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n) < 1e36, n, 0), 0) * exp2(-60) - trunc(ifNull(if(abs(n) < 1e36, n, 0), 0) * exp2(-60))) * exp2(60)))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n) < 1e36, n, 0), 0) * exp2(0) - trunc(ifNull(if(abs(n) < 1e36, n, 0), 0) * exp2(0))) * exp2(60)))))) * toInt256(exp2(40)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n) < 1e36, n, 0), 0) * exp2(60) - trunc(ifNull(if(abs(n) < 1e36, n, 0), 0) * exp2(60))) * exp2(40))))))) / exp2(100), sum(n)) / count(n) AS mean
FROM counting
GROUP BY i
