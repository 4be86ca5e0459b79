-- p0 = 10240001023
-- p1 = 1704067199999999
-- p2 = ['X']
-- p3 = [4]
-- p4 = ['A', 'B', 'C']
-- p5 = [16, 24, 32]
-- p6 = 1
-- p7 = 1704067200000000
-- p8 = 1735689599000000
-- p9 = ['A', 'B', 'C', 'X']
-- p10 = 31622389000001
WITH
  entering AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS exclusions,
      transform(e.event, {p4:Array(String)}, {p5:Array(UInt64)}, toUInt64(0)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p6:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p7:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p8:Int64}, 'UTC') AND
      (e.event IN {p9:Array(String)})
  ),
  packed AS (
    SELECT actor, bitShiftLeft(t, 10) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  ties AS (
    SELECT
      *,
      arrayReverseFill((m, x, y) -> NOT (bitShiftRight(x, 10) = bitShiftRight(y, 10)), arrayFill((m, x, y) -> m OR NOT (bitShiftRight(x, 10) = bitShiftRight(y, 10)), arrayMap((x, y) -> bitAnd(x, 18446744073709551614) != bitAnd(y, 18446744073709551614) AND bitShiftRight(x, 10) = bitShiftRight(y, 10), a, arrayShiftRight(a, 1)), a, arrayShiftRight(a, 1)), a, arrayShiftLeft(a, 1)) AS mixed
    FROM arrays
  ),
  marked AS (
    SELECT
      actor,
      arrayMap((x, m) -> if(m, if(bitAnd(x, 1016) > 8, bitAnd(x, 18446744073709551611) + toUInt64(2), 0), x), a, mixed) AS marked
    FROM ties
  ),
  settled AS (
    SELECT actor, arrayFilter(x -> x > 0, marked) AS a
    FROM marked
  ),
  begun AS (
    SELECT
      actor,
      a,
      arrayMap(x -> if(bitAnd(x, 1016) = 16, bitAnd(x, 18446744073709550592), 0), a) AS begun
    FROM settled
  ),
  at_step_1 AS (
    SELECT
      actor,
      if(arrayFirst((f, y) -> f > 0 AND (y = 0 OR y - f > {p0:UInt64}), begun, arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 4) != 0, x, 0), a))) > 0, arrayFirst((f, y) -> f > 0 AND (y = 0 OR y - f > {p0:UInt64}), begun, arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 4) != 0, x, 0), a))) + 16, 0) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND (bitAnd(x, 1016) > 16 OR bitAnd(x, 4) != 0), arrayZip(a, arrayFill(f -> f > 0, begun)), a, arrayFill(f -> f > 0, begun)) AS waiting
    FROM begun
  ),
  touched_2 AS (
    SELECT
      *,
      waiting.1 AS events_2,
      arrayMap((x, f) -> if((bitAnd(x, 1016) = 24 OR bitAnd(x, 4) != 0) AND x - f <= {p0:UInt64}, f, 0), waiting.1, waiting.2) AS touched_2
    FROM at_step_1
  ),
  taken_2 AS (
    SELECT
      *,
      arrayMap((x, t, p) -> if(bitAnd(x, 1016) = 24 AND t != p, t, 0), events_2, touched_2, arrayShiftRight(arrayFill(f -> f > 0, touched_2), 1)) AS taken_2
    FROM touched_2
  ),
  at_step_2 AS (
    SELECT * REPLACE (
      if(arrayExists((x, t) -> t > 0 AND bitAnd(x, 1016) = 24, events_2, touched_2), if(arrayFirst((f, y) -> f > 0 AND (y = 0 OR y - f > {p0:UInt64}), taken_2, arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 4) != 0, x, 0), events_2))) > 0, arrayFirst((f, y) -> f > 0 AND (y = 0 OR y - f > {p0:UInt64}), taken_2, arrayReverseFill(y -> y > 0, arrayMap(x -> if(bitAnd(x, 4) != 0, x, 0), events_2))) + 24, 0), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND (bitAnd(x, 1016) > 24 OR bitAnd(x, 4) != 0), arrayZip(events_2, arrayFill(f -> f > 0, taken_2)), events_2, arrayFill(f -> f > 0, taken_2)) AS waiting
    )
    FROM taken_2
  ),
  touched_3 AS (
    SELECT
      *,
      waiting.1 AS events_3,
      arrayMap((x, f) -> if((bitAnd(x, 1016) = 32 OR bitAnd(x, 4) != 0) AND x - f <= {p0:UInt64}, f, 0), waiting.1, waiting.2) AS touched_3
    FROM at_step_2
  ),
  taken_3 AS (
    SELECT
      *,
      arrayMap((x, t, p) -> if(bitAnd(x, 1016) = 32 AND t != p, t, 0), events_3, touched_3, arrayShiftRight(arrayFill(f -> f > 0, touched_3), 1)) AS taken_3
    FROM touched_3
  ),
  at_step_3 AS (
    SELECT * REPLACE (
      if(arrayExists((x, t) -> t > 0 AND bitAnd(x, 1016) = 32, events_3, touched_3), if(arrayFirst(f -> f > 0, taken_3) > 0, arrayFirst(f -> f > 0, taken_3) + 32, 0), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0 AND (bitAnd(x, 1016) > 32 OR bitAnd(x, 4) != 0), arrayZip(events_3, arrayFill(f -> f > 0, taken_3)), events_3, arrayFill(f -> f > 0, taken_3)) AS waiting
    )
    FROM taken_3
  ),
  reported AS (
    SELECT
      *,
      toUInt8(if(deepest > 0, bitShiftRight(bitAnd(deepest, 1016), 3) - 1, 0)) AS depth,
      bitAnd(deepest, 18446744073709550592) AS start
    FROM at_step_3
  ),
  path AS (
    SELECT *, indexOf(taken_2, start) AS at_2, indexOf(taken_3, start) AS at_3
    FROM reported
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 10), arraySlice([start, events_2[at_2], events_3[at_3]], 1, depth)) AS times
    FROM path
    WHERE notEmpty(times)
  ),
  steps_taken AS (
    SELECT
      arrayJoin(arrayZip(arraySlice([1, 2, 3, 0]::Array(UInt32), 1, length(if(length(times) = 3, arrayPushBack(arrayDifference(times), toInt64(times[3] - times[1])), arrayDifference(times)))), if(length(times) = 3, arrayPushBack(arrayDifference(times), toInt64(times[3] - times[1])), arrayDifference(times)))) AS z,
      z.1 AS step,
      z.2 AS us,
      length(times) = z.1 AND times[1] > {p10:UInt64} AS open
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
