-- p0 = 5120000511
-- p1 = 1704067199999999
-- p2 = ['B']
-- p3 = [12]
-- p4 = 'A'
-- p5 = 1704067200000000
-- p6 = 1735689599000000
-- p7 = 1
-- p8 = ['A', 'B']
-- p9 = 31622389000001
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      toUInt64(0) AS exclusions,
      multiIf(((e.event = {p4:String}) AND e.uuid IN (SELECT argMin(e.uuid, (e.timestamp, UUIDToNum(e.uuid))) FROM events AS e WHERE e.team_id = {p7:Int64} AND e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND (e.event = {p4:String}) GROUP BY e.person_id HAVING min(e.timestamp) >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC'))), toUInt64(8), transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0))) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p7:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      (e.event IN {p8:Array(String)})
  ),
  packed AS (
    SELECT actor, bitShiftLeft(t, 9) + steps + exclusions AS x
    FROM entering
    WHERE steps + exclusions != 0
  ),
  arrays AS (
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  begun AS (
    SELECT
      actor,
      a,
      arrayMap(x -> if(bitAnd(x, 508) = 8, bitAnd(x, 18446744073709551104) + 8, 0), a) AS taken
    FROM arrays
  ),
  at_step_1 AS (
    SELECT
      actor,
      arrayFirst(f -> f > 0, taken) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND bitAnd(x, 508) > bitAnd(f, 508), arrayZip(a, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken)))), a, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken)))) AS waiting
    FROM begun
  ),
  taken_2 AS (
    SELECT
      *,
      waiting.1 AS events_2,
      arrayMap((x, f) -> if(bitAnd(x - f, 508) = 4 AND x - f <= {p0:UInt64}, f + 4, 0), waiting.1, waiting.2) AS taken_2
    FROM at_step_1
  ),
  at_step_2 AS (
    SELECT * REPLACE (
      if(arrayFirst(f -> f > 0, taken_2) > 0, arrayFirst(f -> f > 0, taken_2), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND bitAnd(x, 508) > bitAnd(f, 508), arrayZip(events_2, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_2)))), events_2, arrayMap(more -> toUInt64(more), arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_2)))) AS waiting
    )
    FROM taken_2
  ),
  reported AS (
    SELECT
      *,
      toUInt8(if(deepest > 0, bitShiftRight(bitAnd(deepest, 508), 2) - 1, 0)) AS depth,
      bitAnd(deepest, 18446744073709551104) AS start
    FROM at_step_2
  ),
  path AS (
    SELECT *, indexOf(taken_2, start + 12) AS at_2
    FROM reported
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 9), arraySlice([start, events_2[at_2]], 1, depth)) AS times
    FROM path
    WHERE notEmpty(times)
  ),
  steps_taken AS (
    SELECT
      arrayJoin(arrayZip(arraySlice([1, 2, 0]::Array(UInt32), 1, length(if(length(times) = 2, arrayPushBack(arrayDifference(times), toInt64(times[2] - times[1])), arrayDifference(times)))), if(length(times) = 2, arrayPushBack(arrayDifference(times), toInt64(times[2] - times[1])), arrayDifference(times)))) AS z,
      z.1 AS step,
      z.2 AS us,
      length(times) = z.1 AND times[1] > {p9:UInt64} AS open
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
