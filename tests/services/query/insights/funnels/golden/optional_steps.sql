-- p0 = 5120000511
-- p1 = 1704067199999999
-- p2 = ['A', 'B', 'C', 'D']
-- p3 = [8, 12, 16, 20]
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
  begun AS (
    SELECT *, arrayMap(x -> bitAnd(x, 18446744073709551104), a) AS starts_0
    FROM arrays
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
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_1
  ),
  at_step_1 AS (
    SELECT
      * EXCEPT (starts_0, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_1,
      arrayExists(e -> e > 0, touched) AS reached_1,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_1,
      arrayFilter(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS anchors_1,
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
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_2
  ),
  at_step_2 AS (
    SELECT
      * EXCEPT (starts_1, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_2,
      arrayExists(e -> e > 0, touched) AS reached_2,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_2,
      arrayFilter(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS anchors_2,
      arrayMap((s, f, x) -> if(1 AND (s = 0 OR x - s > {p0:UInt64}), f, s), standing, starts_1, a) AS starts_2
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
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_3
  ),
  at_step_3 AS (
    SELECT
      * EXCEPT (starts_2, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_3,
      arrayExists(e -> e > 0, touched) AS reached_3,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_3,
      arrayFilter(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS anchors_3,
      standing AS starts_3
    FROM standing_3
  ),
  touched_4 AS (
    SELECT
      *,
      arrayMap((x, f) -> if(bitAnd(x, 508) = 20 AND x - f <= {p0:UInt64}, f, 0), a, starts_3) AS touched
    FROM at_step_3
  ),
  standing_4 AS (
    SELECT
      *,
      arrayShiftRight(arrayMap((f, more) -> toUInt64(f + more), touched, arrayCumSumNonNegative(rise -> -rise, arrayDifference(touched))), 1) AS standing
    FROM touched_4
  ),
  at_step_4 AS (
    SELECT
      * EXCEPT (starts_3, touched, standing),
      arrayFirstIndex(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS good_4,
      arrayExists(e -> e > 0, touched) AS reached_4,
      arrayFilter((i, e) -> e > 0, arrayEnumerate(a), arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS positions_4,
      arrayFilter(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), touched, standing)) AS anchors_4,
      standing AS starts_4
    FROM standing_4
  ),
  stages AS (
    SELECT
      *,
      [good_1, good_2, good_3, good_4]::Array(UInt32) AS good,
      [reached_1, reached_2, reached_3, reached_4]::Array(UInt8) AS reached,
      [positions_1, positions_2, positions_3, positions_4]::Array(Array(UInt32)) AS positions,
      [anchors_1, anchors_2, anchors_3, anchors_4]::Array(Array(UInt64)) AS anchors
    FROM at_step_4
  ),
  deepest AS (
    SELECT *, arrayLastIndex(r -> r, reached) AS depth
    FROM stages
  ),
  reported AS (
    SELECT *, good[depth] AS last, anchors[depth][indexOf(positions[depth], last)] AS anchor
    FROM deepest
  ),
  path AS (
    SELECT
      actor,
      a,
      depth,
      arrayFold((p, at, starts) -> (if(arrayLast((i, f) -> i < p.1 AND f = anchor, at, starts) > 0, arrayLast((i, f) -> i < p.1 AND f = anchor, at, starts), p.1), arrayPushFront(p.2, arrayLast((i, f) -> i < p.1 AND f = anchor, at, starts))), arrayReverse(arraySlice(positions, 1, depth - 1)), arrayReverse(arraySlice(anchors, 1, depth - 1)), (last, [last])).2 AS path
    FROM reported
    WHERE last > 0
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 9), arraySlice([a[path[1]], a[path[2]], a[path[3]], a[path[4]]], 1, depth)) AS times
    FROM path
  ),
  steps_taken AS (
    SELECT
      arrayJoin(arrayConcat(arrayZip(arraySlice([1, 3, 4, 0]::Array(UInt32), 1, length(if(length(times) = 4, arrayPushBack(arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0, 0]::Array(UInt8), length(times)))), toInt64(times[4] - times[1])), arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0, 0]::Array(UInt8), length(times))))))), if(length(times) = 4, arrayPushBack(arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0, 0]::Array(UInt8), length(times)))), toInt64(times[4] - times[1])), arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0, 0]::Array(UInt8), length(times)))))), arrayMap(k -> (k, toInt64(0)), arrayFilter((k, t, may) -> may AND t > 0, arrayEnumerate(times), times, arrayResize([0, 1, 0, 0]::Array(UInt8), length(times)))))) AS z,
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
