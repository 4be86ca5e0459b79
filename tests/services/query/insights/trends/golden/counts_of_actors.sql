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
  of_actors AS (
    SELECT i, actor, count() AS c
    FROM counting
    GROUP BY i, actor
  )
SELECT
  i,
  ifNull(ifNotFinite(if(max(abs(toNullable(toFloat64(c)))) < 1e36, toFloat64((((toInt256(sum(toInt128(toInt64(ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) / exp2(60))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) * exp2(-60) - trunc(ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) * exp2(-60))) * exp2(60)))))) * toInt256(exp2(60)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) * exp2(0) - trunc(ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) * exp2(0))) * exp2(60)))))) * toInt256(exp2(40)) + toInt256(sum(toInt128(toInt64((ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) * exp2(60) - trunc(ifNull(if(abs(toNullable(toFloat64(c))) < 1e36, toNullable(toFloat64(c)), 0), 0) * exp2(60))) * exp2(40))))))) / exp2(100), sum(toNullable(toFloat64(c)))) / count(toNullable(toFloat64(c))), 0), 0) AS number
FROM of_actors
GROUP BY i
