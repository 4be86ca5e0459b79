-- p0 = $pageview
-- p1 = 1706745600000000
-- p2 = 1
-- p3 = 1707004799999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}, 86400000000) AS i,
      if(e.properties.`price`.:String IS NULL, coalesce(e.properties.`price`.:Float64, toFloat64(e.properties.`price`.:Int64)), ifNotFinite(toFloat64OrNull(e.properties.`price`.:String), NULL)) AS n1,
      if(e.properties.`price`.:String IS NULL, coalesce(e.properties.`price`.:Float64, toFloat64(e.properties.`price`.:Int64)), ifNotFinite(toFloat64OrNull(e.properties.`price`.:String), NULL)) AS n2
    FROM events AS e
    WHERE
      e.team_id = {p2:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p1:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p3:Int64}, 'UTC') AND
      (e.event = {p0:String})
  )
SELECT
  i,
  count() AS number0,
  ifNull(ifNotFinite(if(max(abs(n1)) < 1e36, toFloat64((((toInt256(sum(toInt128(toInt64(ifNull(if(abs(n1) < 1e36, n1, 0), 0) / exp2(60))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n1) < 1e36, n1, 0), 0) * exp2(-60) - trunc(ifNull(if(abs(n1) < 1e36, n1, 0), 0) * exp2(-60))) * exp2(60)))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n1) < 1e36, n1, 0), 0) * exp2(0) - trunc(ifNull(if(abs(n1) < 1e36, n1, 0), 0) * exp2(0))) * exp2(60)))))) * toInt256(exp2(40)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n1) < 1e36, n1, 0), 0) * exp2(60) - trunc(ifNull(if(abs(n1) < 1e36, n1, 0), 0) * exp2(60))) * exp2(40))))))) / exp2(100), sum(n1)), 0), 0) AS number1,
  ifNull(ifNotFinite(quantileExactInclusive(0.9)(n2), 0), 0) AS number2
FROM counting
GROUP BY i
