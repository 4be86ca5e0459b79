-- p0 = 5120000511
-- p1 = 1704067199999999
-- p2 = ['A', 'B', 'C']
-- p3 = [8, 12, 16]
-- p4 = 1
-- p5 = 1704067200000000
-- p6 = 1735689599000000
-- p7 = 31622389000001
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      toUInt64(0) AS exclusions,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      (e.event IN {p2:Array(String)})
  ),
  packed AS (
    SELECT actor, bitShiftLeft(t, 9) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  queued AS (
    SELECT *, a AS exclusion
    FROM arrays
  ),
  departures AS (
    SELECT
      *,
      arrayMap((x, e, y1, y2, y3) -> toUInt8((y1 > 0 AND y1 - bitAnd(x, 18446744073709551104) <= {p0:UInt64}) + (y2 > 0 AND y2 - bitAnd(x, 18446744073709551104) <= {p0:UInt64}) + (y3 > 0 AND y3 - bitAnd(x, 18446744073709551104) <= {p0:UInt64})), a, exclusion, arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 508) = 8, x, 0), a)), arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 508) = 12, x, 0), a)), arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 508) = 16, x, 0), a))) AS completed
    FROM queued
  ),
  deepest AS (
    SELECT actor, a, exclusion, arrayMax(completed) AS depth, indexOf(completed, depth) AS i
    FROM departures
  ),
  first AS (
    SELECT actor, a, i, bitAnd(a[i], 18446744073709551104) AS since, 0 AS until
    FROM deepest
    WHERE depth > 0
  ),
  within AS (
    SELECT
      actor,
      arrayFilter((x, j) -> j >= i AND x - since <= {p0:UInt64} AND (until = 0 OR x < until), a, arrayEnumerate(a)) AS w
    FROM first
  ),
  paths AS (
    SELECT
      actor,
      arraySort(arrayMap(x -> bitShiftRight(x, 9), arrayFilter(x -> x > 0, [arrayFirst(x -> bitAnd(x, 508) = 8, w), arrayFirst(x -> bitAnd(x, 508) = 12, w), arrayFirst(x -> bitAnd(x, 508) = 16, w)]))) AS times
    FROM within
  ),
  steps_taken AS (
    SELECT
      arrayJoin(arrayZip(arraySlice([1, 2, 3, 0]::Array(UInt32), 1, length(if(length(times) = 3, arrayPushBack(arrayDifference(times), toInt64(times[3] - times[1])), arrayDifference(times)))), if(length(times) = 3, arrayPushBack(arrayDifference(times), toInt64(times[3] - times[1])), arrayDifference(times)))) AS z,
      z.1 AS step,
      z.2 AS us,
      length(times) = z.1 AND times[1] > {p7:UInt64} AS open
    FROM paths
  )
SELECT
  step,
  count() AS count,
  if(countIf(us > 0) = 0, NULL, (toInt64(intDiv(sum(toInt128(us)), greatest(countIf(us > 0), 1))) + toInt64(sum(toInt128(us)) % greatest(countIf(us > 0), 1)) / greatest(countIf(us > 0), 1)) / 1000000) AS average,
  quantileExactInclusiveOrNullIf(0.5)(us, us > 0 OR step = 0) / 1000000 AS median,
  countIf(open) AS open
FROM steps_taken
GROUP BY step
