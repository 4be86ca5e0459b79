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
  entries AS (
    -- computed at each mention
    SELECT actor, arrayFilter(x -> x > 0, marked) AS a
    FROM marked
  ),
  free AS (
    SELECT *
    FROM entries
    WHERE NOT arrayExists(x -> bitAnd(x, 4) != 0, a)
  ),
  begun AS (
    SELECT *, arrayMap(x -> bitAnd(x, 18446744073709550592), a) AS starts_0
    FROM free
  ),
  folded AS (
    SELECT
      *,
      arrayFold((acc, step, exclusions, next_exclusions, optional) -> arrayMap(marked -> (acc.1, arrayMap((s, f, x) -> if(optional AND (s = 0 OR x - s > {p0:UInt64}), f, s), arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1), marked, acc.1), arrayPushBack(acc.3, arrayFirstIndex((e, y) -> e > 0 AND (y = 0 OR y - e > {p0:UInt64}), arrayMap((e, s) -> if(e != s, e, 0), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked), arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1)), arrayShiftLeft(arrayReverseFill(y -> y > 0, arrayMap((x, s) -> if(bitAnd(x, next_exclusions) != 0 AND s > 0, x, 0), acc.1, arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1))), 1))), arrayPushBack(acc.4, arrayExists(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2))), arrayPushBack(acc.5, arrayFilter((i, e) -> e > 0, arrayEnumerate(acc.1), arrayMap((e, s) -> if(e != s, e, 0), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked), arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1)))), arrayPushBack(acc.6, arrayFilter(e -> e > 0, arrayMap((e, s) -> if(e != s, e, 0), arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked), arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64} AND bitAnd(f, 1) = 0, f, 0), acc.1, marked)), 1))))), [arrayMap((f, s) -> if(f = s, bitOr(f, f > 0), f), acc.2, arrayFill(e -> e > 0, arrayMap((x, f, s) -> if(bitAnd(x, exclusions) != 0 AND x - f <= {p0:UInt64} AND s != f, f, 0), acc.1, acc.2, arrayShiftRight(arrayFill(e -> e > 0, arrayMap((x, f) -> if(bitAnd(x, 1016) = step AND x - f <= {p0:UInt64}, f, 0), acc.1, acc.2)), 1))))])[1], arraySlice([16, 24, 32]::Array(UInt64), 1), [0, 0, 4]::Array(UInt64), [0, 4, 0]::Array(UInt64), [0, 1, 0]::Array(UInt8), (a, starts_0, []::Array(UInt32), []::Array(UInt8), []::Array(Array(UInt32)), []::Array(Array(UInt64)))) AS acc
    FROM begun
  ),
  stages AS (
    SELECT *, acc.3 AS good, acc.4 AS reached, acc.5 AS positions, acc.6 AS anchors
    FROM folded
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
  to_walk AS (
    SELECT *, arrayMap(x -> toUInt32(0), a) AS ids
    FROM entries
    WHERE arrayExists(x -> bitAnd(x, 4) != 0, a)
    ORDER BY length(a)
    LIMIT 9223372036854775808
  ),
  walked AS (
    SELECT
      actor,
      arrayFold((s, x, id) -> arrayMap(hit -> arrayMap(standing -> arrayMap(taken -> (arrayMap((goes, new, old) -> if(goes, new, old), arrayMap((t, g) -> t AND bitAnd(g, 1) = 0, taken, arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), standing), standing, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592))), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), standing), standing, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592)), standing), arrayMap((goes, new, old) -> if(goes, new, old), arrayMap((t, g) -> t AND bitAnd(g, 1) = 0, taken, arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), standing), standing, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592))), arrayMap((path, k) -> arrayPushBack(arrayResize(path, k - 1), bitShiftRight(x, 10)), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), s.2, s.1, [0, 1, 0]::Array(UInt8)), 1, emptyArrayUInt64()), [1, 2, 3]::Array(UInt8)), s.2), arrayMap((goes, new, old) -> if(goes, new, old), arrayMap((t, g) -> t AND bitAnd(g, 1) = 0, taken, arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), standing), standing, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592))), arrayMap(ids -> if(id > 0, arrayPushBack(ids, id), ids), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), s.3, s.1, [0, 1, 0]::Array(UInt8)), 1, emptyArrayUInt32())), s.3), if(toUInt8(arrayLastIndex(t -> t, taken)) > s.4 OR (toUInt8(arrayLastIndex(t -> t, taken)) > 0 AND toUInt8(arrayLastIndex(t -> t, taken)) = s.4 AND NOT bitAnd(bitOr(s.5, hit[s.4] AND s.1[s.4] > 0 AND x - s.5 <= {p0:UInt64}), 1) = 0), toUInt8(arrayLastIndex(t -> t, taken)), s.4), if(toUInt8(arrayLastIndex(t -> t, taken)) > s.4 OR (toUInt8(arrayLastIndex(t -> t, taken)) > 0 AND toUInt8(arrayLastIndex(t -> t, taken)) = s.4 AND NOT bitAnd(bitOr(s.5, hit[s.4] AND s.1[s.4] > 0 AND x - s.5 <= {p0:UInt64}), 1) = 0), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), standing), standing, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592))[toUInt8(arrayLastIndex(t -> t, taken))], bitOr(s.5, hit[s.4] AND s.1[s.4] > 0 AND x - s.5 <= {p0:UInt64})), if(toUInt8(arrayLastIndex(t -> t, taken)) > s.4 OR (toUInt8(arrayLastIndex(t -> t, taken)) > 0 AND toUInt8(arrayLastIndex(t -> t, taken)) = s.4 AND NOT bitAnd(bitOr(s.5, hit[s.4] AND s.1[s.4] > 0 AND x - s.5 <= {p0:UInt64}), 1) = 0), arrayMap((path, k) -> arrayPushBack(arrayResize(path, k - 1), bitShiftRight(x, 10)), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), s.2, s.1, [0, 1, 0]::Array(UInt8)), 1, emptyArrayUInt64()), [1, 2, 3]::Array(UInt8))[toUInt8(arrayLastIndex(t -> t, taken))], s.6)), [arrayMap((t, g, f, ids) -> t AND g > 0 AND bitOr(f, 1) != bitOr(g, 1) AND NOT has(ids, id), arrayMap((step, own) -> bitAnd(x, 1016) = step AND bitAnd(x, own) = own, [16, 24, 32]::Array(UInt64), [0, 0, 0]::Array(UInt64)), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), standing), standing, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592)), standing, arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), s.3, s.1, [0, 1, 0]::Array(UInt8)), 1, emptyArrayUInt32()))])[1], [arrayMap((f, h) -> if(h, bitOr(f, f > 0), f), s.1, hit)])[1], [arrayShiftLeft(arrayReverseFill((e, f, optional) -> e OR (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap((e, g, f) -> e AND g > 0 AND bitAnd(g, 1) = 0 AND bitOr(f, 1) != bitOr(g, 1), arrayMap(mask -> bitAnd(x, mask) != 0, [0, 0, 4]::Array(UInt64)), arrayShiftRight(arrayFill((v, f, optional) -> (f > 0 AND x - f <= {p0:UInt64} OR NOT optional), arrayMap(f -> if(f > 0 AND x - f <= {p0:UInt64}, f, 0), s.1), s.1, [0, 1, 0]::Array(UInt8)), 1, bitAnd(x, 18446744073709550592)), s.1), s.1, [0, 1, 0]::Array(UInt8)), 1)])[1], a, ids, (arrayWithConstant(3, toUInt64(0)), arrayWithConstant(3, emptyArrayUInt64()), arrayWithConstant(3, emptyArrayUInt32()), toUInt8(0), toUInt64(0), emptyArrayUInt64())) AS s
    FROM to_walk
  ),
  paths AS (
    SELECT
      actor,
      arrayMap(x -> bitShiftRight(x, 10), arraySlice([a[path[1]], a[path[2]], a[path[3]]], 1, depth)) AS times
    FROM path
    UNION ALL
    SELECT actor, s.6 AS times
    FROM walked
    WHERE s.4 > 0 AND bitAnd(s.5, 1) = 0
  ),
  steps_taken AS (
    SELECT
      arrayJoin(arrayConcat(arrayZip(arraySlice([1, 3, 0]::Array(UInt32), 1, length(if(length(times) = 3, arrayPushBack(arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0]::Array(UInt8), length(times)))), toInt64(times[3] - times[1])), arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0]::Array(UInt8), length(times))))))), if(length(times) = 3, arrayPushBack(arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0]::Array(UInt8), length(times)))), toInt64(times[3] - times[1])), arrayDifference(arrayFilter((t, may) -> NOT may, times, arrayResize([0, 1, 0]::Array(UInt8), length(times)))))), arrayMap(k -> (k, toInt64(0)), arrayFilter((k, t, may) -> may AND t > 0, arrayEnumerate(times), times, arrayResize([0, 1, 0]::Array(UInt8), length(times)))))) AS z,
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
