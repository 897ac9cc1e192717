// Statistics of paired seeds: the same sign-flip test and interval as jaxpe.records.statistics.estimate_difference.

const FEWEST_PAIRS = 6; // fewer cannot reach 5 %
const MOST_PAIRS = 16; // with more, Python draws random flips, which are not the same here
const signSums = new Map(); // by n: for every pattern of n signs, their sum

function sumSigned(values) { // the sum for every pattern of signs, without a flip first
  let sums = new Float64Array([0]);
  for (const value of values) {
    const next = new Float64Array(2 * sums.length);
    sums.forEach((sum, i) => { next[i] = sum + value; next[i + sums.length] = sum - value; });
    sums = next;
  }
  return sums;
}

function estimateDifference(differences) {
  const n = differences.length;
  if (!n) return { mean: null, low: null, high: null, n };
  const mean = differences.reduce((a, b) => a + b, 0) / n;
  if (n < FEWEST_PAIRS || n > MOST_PAIRS) return { mean, low: null, high: null, n };
  if (!signSums.has(n)) signSums.set(n, sumSigned(new Array(n).fill(1)));
  const [signs, sums] = [signSums.get(n), sumSigned(differences)];
  const computeP = (shift) => {
    const own = Math.abs(sums[0] - n * shift);
    const least = own - 1e-12 * (1 + own);
    let count = 0;
    for (let i = 0; i < sums.length; i++) if (Math.abs(sums[i] - signs[i] * shift) >= least) count++;
    return count / sums.length;
  };
  const spread = Math.max(...differences) - Math.min(...differences);
  const findEdge = (direction) => {
    let [inside, outside] = [mean, mean + direction * (spread + Math.abs(mean) + 1e-9) * 4];
    for (let i = 0; i < 50; i++) {
      const middle = (inside + outside) / 2;
      if (computeP(middle) > 0.05) inside = middle; else outside = middle;
    }
    return inside;
  };
  return { mean, low: findEdge(-1), high: findEdge(1), n };
}

function computeMean(values) {
  const there = values.filter((value) => value !== null);
  return there.length ? there.reduce((a, b) => a + b, 0) / there.length : null;
}
