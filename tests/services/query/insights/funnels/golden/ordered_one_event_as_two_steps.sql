-- p0 = 320000031
-- p1 = 1704067199999999
-- p2 = ['A', 'B']
-- p3 = [20, 8]
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
    SELECT actor, bitShiftLeft(t, 5) + steps + exclusions AS x
    FROM entering
  ),
  arrays AS (
    -- computed at each mention
    SELECT actor, arraySort(groupArray(x)) AS a
    FROM packed
    GROUP BY actor
  ),
  untangled AS (
    SELECT *
    FROM arrays
    WHERE NOT (arrayExists((x, y) -> x != y AND bitShiftRight(x, 5) = bitShiftRight(y, 5) AND (bitCount(bitAnd(x, 28)) > 1 OR bitCount(bitAnd(y, 28)) > 1), a, arrayShiftRight(a, 1)))
  ),
  begun AS (
    SELECT
      actor,
      a,
      arrayMap(x -> if(bitAnd(x, 4) != 0, bitAnd(x, 18446744073709551584) + 4, 0), a) AS taken
    FROM untangled
  ),
  at_step_1 AS (
    SELECT
      actor,
      arrayFirst(f -> f > 0, taken) AS deepest,
      arrayFilter((z, x, f) -> f > 0, arrayZip(a, arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), taken, arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken))), 1)), a, arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), taken, arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken))), 1)) AS waiting
    FROM begun
  ),
  taken_2 AS (
    SELECT
      *,
      waiting.1 AS events_2,
      arrayMap((x, f) -> if(bitAnd(x, bitShiftLeft(bitAnd(f, 28), 1)) != 0 AND x - f <= {p0:UInt64}, f + bitAnd(f, 28), 0), waiting.1, waiting.2) AS taken_2
    FROM at_step_1
  ),
  at_step_2 AS (
    SELECT * REPLACE (
      if(arrayFirst(f -> f > 0, taken_2) > 0, arrayFirst(f -> f > 0, taken_2), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0, arrayZip(events_2, arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), taken_2, arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_2))), 1)), events_2, arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), taken_2, arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_2))), 1)) AS waiting
    )
    FROM taken_2
  ),
  taken_3 AS (
    SELECT
      *,
      waiting.1 AS events_3,
      arrayMap((x, f) -> if(bitAnd(x, bitShiftLeft(bitAnd(f, 28), 1)) != 0 AND x - f <= {p0:UInt64}, f + bitAnd(f, 28), 0), waiting.1, waiting.2) AS taken_3
    FROM at_step_2
  ),
  at_step_3 AS (
    SELECT * REPLACE (
      if(arrayFirst(f -> f > 0, taken_3) > 0, arrayFirst(f -> f > 0, taken_3), deepest) AS deepest,
      arrayFilter((z, x, f) -> f > 0, arrayZip(events_3, arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), taken_3, arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_3))), 1)), events_3, arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), taken_3, arrayCumSumNonNegative(rise -> -rise, arrayDifference(taken_3))), 1)) AS waiting
    )
    FROM taken_3
  ),
  reported AS (
    SELECT
      *,
      toUInt8(if(deepest > 0, bitCount(bitAnd(deepest, 28) - 1) - 1, 0)) AS depth,
      bitAnd(deepest, 18446744073709551584) AS start
    FROM at_step_3
  ),
  path AS (
    SELECT *, indexOf(taken_2, start + 8) AS at_2, indexOf(taken_3, start + 16) AS at_3
    FROM reported
  ),
  tangled AS (
    SELECT actor
    FROM arrays
    WHERE arrayExists((x, y) -> x != y AND bitShiftRight(x, 5) = bitShiftRight(y, 5) AND (bitCount(bitAnd(x, 28)) > 1 OR bitCount(bitAnd(y, 28)) > 1), a, arrayShiftRight(a, 1))
  ),
  entering_2 AS (
    SELECT
      e.person_id AS actor,
      toUInt64(toUnixTimestamp64Micro(e.timestamp) - {p1:Int64}) AS t,
      toUInt64(0) AS exclusions,
      transform(e.event, {p2:Array(String)}, {p3:Array(UInt64)}, toUInt64(0)) AS steps,
      toUInt128(e.uuid) AS u
    FROM events AS e
    WHERE
      e.team_id = {p4:Int64} AND
      e.timestamp >= fromUnixTimestamp64Micro({p5:Int64}, 'UTC') AND
      e.timestamp <= fromUnixTimestamp64Micro({p6:Int64}, 'UTC') AND
      (e.event IN {p2:Array(String)}) AND
      e.person_id IN (
        SELECT *
        FROM tangled
      )
  ),
  packed_2 AS (
    SELECT actor, u, bitShiftLeft(t, 5) + steps + exclusions AS x
    FROM entering_2
  ),
  gathered AS (
    SELECT actor, groupArray(x) AS xs, groupArray(u) AS us
    FROM packed_2
    GROUP BY actor
  ),
  by_uuid AS (
    SELECT actor, arraySort((x, u) -> u, xs, us) AS by_uuid
    FROM gathered
  ),
  placed AS (
    SELECT
      actor,
      arraySort(arrayMap((x, i) -> bitShiftLeft(toUInt128(x), 34) + i * 4 + 0, by_uuid, arrayEnumerate(by_uuid))) AS placed
    FROM by_uuid
  ),
  arrays_by_uuid AS (
    SELECT
      actor,
      arrayMap(e -> toUInt64(bitShiftRight(e, 34)), placed) AS a,
      arrayMap(e -> toUInt32(bitShiftRight(toUInt64(e), 2)), placed) AS places
    FROM placed
  ),
  tested AS (
    SELECT
      *,
      arrayReverseFill((m, x, y) -> NOT (bitShiftRight(x, 5) = bitShiftRight(y, 5)), arrayFill((m, x, y) -> m OR NOT (bitShiftRight(x, 5) = bitShiftRight(y, 5)), arrayMap((x, y) -> bitAnd(x, 18446744073709551614) != bitAnd(y, 18446744073709551614) AND bitShiftRight(x, 5) = bitShiftRight(y, 5), a, arrayShiftRight(a, 1)), a, arrayShiftRight(a, 1)), a, arrayShiftLeft(a, 1)) AS mixed,
      arrayExists((x, y) -> x != y AND bitShiftRight(x, 5) = bitShiftRight(y, 5) AND (bitCount(bitAnd(x, 28)) > 1 OR bitCount(bitAnd(y, 28)) > 1), a, arrayShiftRight(a, 1)) AS tangled
    FROM arrays_by_uuid
  ),
  ties AS (
    SELECT *
    FROM tested
    WHERE tangled
  ),
  entries AS (
    SELECT
      actor,
      arraySort(arrayFlatten(arrayMap((x, p, m) -> if(m, arrayMap(s -> bitShiftLeft(toUInt128(bitAnd(x, 18446744073709551584) + s + toUInt64(2)), 34) + p * 4 + toUInt8(bitAnd(x, 1)) + 2 * (bitCount(bitAnd(x, 28)) > 1), arrayFilter(s -> bitAnd(x, s) != 0, [4, 8, 16]::Array(UInt64))), [bitShiftLeft(toUInt128(bitAnd(x, 18446744073709551614)), 34) + p * 4 + toUInt8(bitAnd(x, 1))]), a, places, mixed))) AS entries
    FROM ties
  ),
  numbered AS (
    SELECT *, arrayMap(e -> toUInt64(bitShiftRight(e, 34)), entries) AS numbers
    FROM entries
  ),
  turns AS (
    SELECT
      actor,
      arrayFilter((z, n, c) -> NOT (bitAnd(n, 2) != 0) OR c <= bitCount(bitAnd(n, 28) - 1) - 1, arrayZip(numbers, entries), numbers, arrayEnumerateUniq(numbers)) AS kept
    FROM numbered
  ),
  full AS (
    SELECT
      actor,
      arrayMap((n, e) -> n + toUInt8(bitAnd(e, 1)), kept.1, kept.2) AS a,
      arrayMap(e -> if(bitAnd(e, 2) != 0, toUInt32(bitShiftRight(toUInt64(e), 2)), 0), kept.2) AS ids
    FROM turns
  ),
  begun_2 AS (
    SELECT
      *,
      arrayMap(x -> bitAnd(x, 18446744073709551584), a) AS starts_0,
      arrayMap(x -> emptyArrayUInt32(), a) AS used_0
    FROM full
  ),
  touched_1 AS (
    SELECT
      *,
      arrayMap((x, f, id, used) -> if(bitAnd(x, 4) != 0 AND x - f <= {p0:UInt64} AND NOT has(used, id), f, 0), a, starts_0, ids, used_0) AS touched
    FROM begun_2
  ),
  standing_1 AS (
    SELECT
      *,
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_1
  ),
  at_step_1_2 AS (
    SELECT
      * EXCEPT (starts_0, touched, standing, used_0),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_1,
      arrayExists(e -> e > 0, touched) AS reached_1,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_1,
      standing AS starts_1,
      arrayShiftRight(arrayFill((u, e) -> e > 0, arrayMap((id, u) -> if(id > 0, arrayPushBack(u, id), u), ids, used_0), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)), 1) AS used_1
    FROM standing_1
  ),
  touched_2 AS (
    SELECT
      *,
      arrayMap((x, f, id, used) -> if(bitAnd(x, 8) != 0 AND x - f <= {p0:UInt64} AND NOT has(used, id), f, 0), a, starts_1, ids, used_1) AS touched
    FROM at_step_1_2
  ),
  standing_2 AS (
    SELECT
      *,
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_2
  ),
  at_step_2_2 AS (
    SELECT
      * EXCEPT (starts_1, touched, standing, used_1),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_2,
      arrayExists(e -> e > 0, touched) AS reached_2,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_2,
      standing AS starts_2,
      arrayShiftRight(arrayFill((u, e) -> e > 0, arrayMap((id, u) -> if(id > 0, arrayPushBack(u, id), u), ids, used_1), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)), 1) AS used_2
    FROM standing_2
  ),
  touched_3 AS (
    SELECT
      *,
      arrayMap((x, f, id, used) -> if(bitAnd(x, 16) != 0 AND x - f <= {p0:UInt64} AND NOT has(used, id), f, 0), a, starts_2, ids, used_2) AS touched
    FROM at_step_2_2
  ),
  standing_3 AS (
    SELECT
      *,
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_3
  ),
  at_step_3_2 AS (
    SELECT
      * EXCEPT (starts_2, touched, standing, used_2),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_3,
      arrayExists(e -> e > 0, touched) AS reached_3,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_3,
      standing AS starts_3,
      arrayShiftRight(arrayFill((u, e) -> e > 0, arrayMap((id, u) -> if(id > 0, arrayPushBack(u, id), u), ids, used_2), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)), 1) AS used_3
    FROM standing_3
  ),
  stages AS (
    SELECT
      *,
      [good_1, good_2, good_3]::Array(UInt32) AS good,
      [reached_1, reached_2, reached_3]::Array(UInt8) AS reached,
      [positions_1, positions_2, positions_3]::Array(Array(UInt32)) AS positions
    FROM at_step_3_2
  ),
  deepest AS (
    SELECT *, arrayLastIndex(r -> r, reached) AS depth
    FROM stages
  ),
  reported_2 AS (
    SELECT *, good[depth] AS last
    FROM deepest
  ),
  path_2 AS (
    SELECT
      actor,
      a,
      depth,
      arrayFold((path, at) -> arrayPushFront(path, arrayLast(i -> i < path[1], at)), arrayReverse(arraySlice(positions, 1, depth - 1)), [last]) AS path
    FROM reported_2
    WHERE last > 0
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 5), arraySlice([start, events_2[at_2], events_3[at_3]], 1, depth)) AS times
    FROM path
    WHERE notEmpty(times)
    UNION ALL
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 5), arraySlice([a[path[1]], a[path[2]], a[path[3]]], 1, depth)) AS times
    FROM path_2
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
