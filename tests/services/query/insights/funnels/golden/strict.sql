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
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(4)) AS steps
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC')
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
  ties AS (
    SELECT
      *,
      arrayReverseFill((m, x, y) -> NOT (bitShiftRight(x, 9) = bitShiftRight(y, 9)), arrayFill((m, x, y) -> m OR NOT (bitShiftRight(x, 9) = bitShiftRight(y, 9)), arrayMap((x, y) -> bitAnd(x, 18446744073709551614) != bitAnd(y, 18446744073709551614) AND bitShiftRight(x, 9) = bitShiftRight(y, 9), a, arrayShiftRight(a, 1)), a, arrayShiftRight(a, 1)), a, arrayShiftLeft(a, 1)) AS mixed
    FROM arrays
  ),
  marked AS (
    SELECT
      actor,
      arrayMap((x, m) -> if(m, if(bitAnd(x, 508) > 4, bitAnd(x, 18446744073709551615) + toUInt64(2), 0), x), a, mixed) AS marked
    FROM ties
  ),
  settled AS (
    SELECT
      actor,
      arrayFilter((x, y) -> x > 0 AND NOT (bitAnd(x, 508) = 4 AND y > 0 AND bitAnd(y, 508) = 4), marked, arrayShiftRight(marked, 1)) AS a
    FROM marked
  ),
  begun AS (
    SELECT *, arrayMap(x -> bitAnd(x, 18446744073709551104), a) AS starts_0
    FROM settled
  ),
  touched_1 AS (
    SELECT
      *,
      arrayMap((x, f) -> if(bitAnd(x, 508) = 8 AND x - f <= {p0:UInt64}, f, 0), a, starts_0) AS touched
    FROM begun
  ),
  standing_1 AS (
    SELECT
      *,
      arrayShiftRight(arrayFill((e, x) -> e > 0 OR NOT (bitAnd(x, 508) = 8 OR bitAnd(x, 2) != 0), touched, a), 1) AS standing
    FROM touched_1
  ),
  at_step_1 AS (
    SELECT
      * EXCEPT (starts_0, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_1,
      arrayExists(e -> e > 0, touched) AS reached_1,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_1,
      standing AS starts_1
    FROM standing_1
  ),
  touched_2 AS (
    SELECT
      *,
      arrayMap((x, f) -> if(bitAnd(x, 508) = 12 AND x - f <= {p0:UInt64}, f, 0), a, starts_1) AS touched
    FROM at_step_1
  ),
  standing_2 AS (
    SELECT
      *,
      arrayShiftRight(arrayFill((e, x) -> e > 0 OR NOT (bitAnd(x, 508) = 12 OR bitAnd(x, 2) != 0), touched, a), 1) AS standing
    FROM touched_2
  ),
  at_step_2 AS (
    SELECT
      * EXCEPT (starts_1, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_2,
      arrayExists(e -> e > 0, touched) AS reached_2,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_2,
      standing AS starts_2
    FROM standing_2
  ),
  touched_3 AS (
    SELECT
      *,
      arrayMap((x, f) -> if(bitAnd(x, 508) = 16 AND x - f <= {p0:UInt64}, f, 0), a, starts_2) AS touched
    FROM at_step_2
  ),
  standing_3 AS (
    SELECT
      *,
      arrayShiftRight(arrayFill((e, x) -> e > 0 OR NOT (bitAnd(x, 508) = 16 OR bitAnd(x, 2) != 0), touched, a), 1) AS standing
    FROM touched_3
  ),
  at_step_3 AS (
    SELECT
      * EXCEPT (starts_2, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_3,
      arrayExists(e -> e > 0, touched) AS reached_3,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_3,
      standing AS starts_3
    FROM standing_3
  ),
  stages AS (
    SELECT
      *,
      [good_1, good_2, good_3]::Array(UInt32) AS good,
      [reached_1, reached_2, reached_3]::Array(UInt8) AS reached,
      [positions_1, positions_2, positions_3]::Array(Array(UInt32)) AS positions
    FROM at_step_3
  ),
  deepest AS (
    SELECT *, arrayLastIndex(r -> r, reached) AS depth
    FROM stages
  ),
  reported AS (
    SELECT *, good[depth] AS last
    FROM deepest
  ),
  path AS (
    SELECT
      actor,
      a,
      depth,
      arrayFold((path, at) -> arrayPushFront(path, arrayLast(i -> i < path[1], at)), arrayReverse(arraySlice(positions, 1, depth - 1)), [last]) AS path
    FROM reported
    WHERE last > 0
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 9), arraySlice([a[path[1]], a[path[2]], a[path[3]]], 1, depth)) AS times
    FROM path
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
