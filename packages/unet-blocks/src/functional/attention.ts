import * as tf from '@tensorflow/tfjs-core';

/** Queries that are looked at together: bounds the memory of one block of scores. */
const blockSize = 1024;

/**
 * softmax(scale · q kᵀ) v per head. Queries go in blocks, forwards and backwards, and the scores are computed again for the
 * gradient, so that memory grows with the number of queries and not with its square.
 *
 * @param q [heads, queries, size] ("heads" may be images times heads)
 * @param k [heads, keys, size]
 * @param v [heads, keys, value size]
 */
export function attend(q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, scale: number, block = blockSize): tf.Tensor3D {
  const op = tf.customGrad((...args) => {
    const [queries, keys, values, save] = args as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D, tf.GradSaveFunc];
    save([queries, keys, values]);
    const value = join(
      blocks(queries, block).map((part) => tf.tidy(() => tf.matMul(scores(part, keys, scale), values))),
    );
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      gradients(saved as tf.Tensor3D[], dy as tf.Tensor3D, scale, block);
    return { value, gradFunc };
  });
  return op(q, k, v);
}

function scores(q: tf.Tensor3D, k: tf.Tensor3D, scale: number): tf.Tensor3D {
  return tf.tidy(() => tf.softmax(tf.mul(tf.matMul(q, k, false, true), scale)));
}

/**
 * With p the scores: dv = pᵀ dy, dS = p (dp - Σ dp·p) with dp = dy vᵀ, dq = scale · dS k, dk = scale · dSᵀ q. Each block is
 * cleared before the next one, as the engine itself keeps all that a gradient makes until the whole backward pass has ended.
 */
function gradients([q, k, v]: tf.Tensor3D[], dy: tf.Tensor3D, scale: number, block: number): tf.Tensor3D[] {
  return tf.tidy(() => {
    const dyBlocks = blocks(dy, block);
    const dq: tf.Tensor3D[] = [];
    let sums: tf.Tensor3D[] = [];
    for (const [i, part] of blocks(q!, block).entries()) {
      const [dqBlock, ...added] = tf.tidy(() => {
        const p = scores(part, k!, scale);
        const ds = tf.tidy(() => {
          const dp = tf.matMul(dyBlocks[i]!, v!, false, true);
          return tf.mul(tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dp, p), 2, true))), scale);
        });
        const [dk, dv] = [tf.matMul<tf.Tensor3D>(ds, part, true), tf.matMul<tf.Tensor3D>(p, dyBlocks[i]!, true)];
        return [tf.matMul<tf.Tensor3D>(ds, k!), ...[dk, dv].map((d, j) => (i === 0 ? d : tf.add(sums[j]!, d)))];
      }) as tf.Tensor3D[];
      tf.dispose(sums);
      dq.push(dqBlock!);
      sums = added;
    }
    return [join(dq), ...sums];
  });
}

function blocks(x: tf.Tensor3D, block: number): tf.Tensor3D[] {
  const [heads, length, size] = x.shape;
  if (length <= block) return [x];
  const starts = Array.from({ length: Math.ceil(length / block) }, (_, i) => i * block);
  return starts.map((start) => tf.slice(x, [0, start, 0], [heads, Math.min(block, length - start), size]));
}

function join(parts: tf.Tensor3D[]): tf.Tensor3D {
  return parts.length === 1 ? parts[0]! : tf.concat(parts, 1);
}
