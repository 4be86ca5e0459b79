-- p0 = $pageview
-- p1 = paid
-- p2 = 1706745600000000
-- p3 = 1
-- p4 = 1707004799999999
WITH
  counting AS (
    SELECT
      intDiv(toUnixTimestamp64Micro(e.timestamp) - {p2:Int64}, 86400000000) AS i,
      ((e.event = {p0:String}) AND ((ifNull(e.properties.`plan`.:String = {p1:String}, 0)))) AS c0,
      (e.event = {p0:String}) AS c1,
      if(((e.event = {p0:String}) AND ((ifNull(e.properties.`plan`.:String = {p1:String}, 0)))), if(e.properties.`price`.:String IS NULL, coalesce(e.properties.`price`.:Float64, toFloat64(e.properties.`price`.:Int64)), ifNotFinite(toFloat64OrNull(e.properties.`price`.:String), NULL)), NULL) AS n2
    FROM events AS e
    WHERE
      e.team_id = {p3:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p2:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p4:Int64}, 'UTC') AND
      (((e.event = {p0:String}) AND ((ifNull(e.properties.`plan`.:String = {p1:String}, 0)))) OR (e.event = {p0:String}))
  )
SELECT
  i,
  countIf(c0) AS number0,
  countIf(c1) AS number1,
  ifNull(ifNotFinite(if(max(abs(n2)) < 1e36, toFloat64((((toInt256(sum(toInt128(toInt64(ifNull(if(abs(n2) < 1e36, n2, 0), 0) / exp2(60))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n2) < 1e36, n2, 0), 0) * exp2(-60) - trunc(ifNull(if(abs(n2) < 1e36, n2, 0), 0) * exp2(-60))) * exp2(60)))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n2) < 1e36, n2, 0), 0) * exp2(0) - trunc(ifNull(if(abs(n2) < 1e36, n2, 0), 0) * exp2(0))) * exp2(60)))))) * toInt256(exp2(40)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(n2) < 1e36, n2, 0), 0) * exp2(60) - trunc(ifNull(if(abs(n2) < 1e36, n2, 0), 0) * exp2(60))) * exp2(40))))))) / exp2(100), sum(n2)), 0), 0) AS number2
FROM counting
GROUP BY i
