import * as tf from '@tensorflow/tfjs-core';
import { CUNet } from '@missing-u/cunet';
import { useEngine } from '@missing-u/engine';
const [engine = 'wasm', batch = '16', side = '64', what = 'both', rounds='2'] = process.argv.slice(2);
let t = performance.now();
const { device } = await useEngine(engine, {threads: Number(process.env.T ?? 2)});
console.log(engine, device, 'start', (performance.now()-t).toFixed(0));
const net = new CUNet(JSON.parse(process.env.OPT ?? '{}'));
const x = tf.randomNormal([+batch, +side, +side, 3]);
async function time(name, f) {
  let best = 1e9, first;
  for (let r = 0; r <= +rounds; r++) { const s = performance.now(); await f(); const d = performance.now()-s; if (r===0) first = d; else best = Math.min(best, d); }
  console.log(engine, name, 'first', first.toFixed(0), 'best', best.toFixed(0), 'rss MB', (process.memoryUsage().rss/2**20).toFixed(0), 'max', (process.resourceUsage().maxRSS/1024).toFixed(0));
}
if (what !== 'step') await time('call', async () => { const y = net.predict(x, 500); await y.data(); y.dispose(); });
if (what !== 'call') await time('step', async () => { const {value, grads} = tf.variableGrads(() => tf.mean(tf.square(net.predict(x, 500)))); await value.data(); for (const g of Object.values(grads)) await g.data(); tf.dispose([value, grads]); });
if (process.env.PROF) {
  for (const w of ['call','step']) {
  const k = new Map(); const run = w==='call' ? () => tf.tidy(()=>{net.predict(x,500).dataSync()}) : () => { const {value,grads} = tf.variableGrads(() => tf.mean(tf.square(net.predict(x, 500)))); value.dataSync(); tf.dispose([value,grads]); };
  const e = tf.engine(); const rk = e.runKernel; let depth=0; const stack=[];
  e.runKernel = function(name, ...a) { const s = performance.now(); stack.push(0); const r = rk.call(this, name, ...a); if (Array.isArray(r)?0:0); const d = performance.now()-s; const inner = stack.pop(); if (stack.length) stack[stack.length-1]+=d; const o = k.get(name) ?? {n:0, ms:0}; o.n++; o.ms += d-inner; k.set(name,o); return r; };
  const s = performance.now(); run(); const tot = performance.now()-s; e.runKernel = rk;
  console.log(w, 'total', tot.toFixed(0)); for (const [n,o] of [...k].sort((a,b)=>b[1].ms-a[1].ms).slice(0,22)) console.log(n.padEnd(28), o.n, o.ms.toFixed(1));
  }
}
process.exit(0);
