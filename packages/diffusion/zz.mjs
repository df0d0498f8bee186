import { CUNet } from '@missing-u/cunet';
import { DDIMPipeline } from '@missing-u/diffusion';
import { useEngine } from '@missing-u/engine';
import * as tf from '@tensorflow/tfjs-core';
await useEngine('native',{threads:1});
const network=new CUNet({ inChannels: 1, channels: 16, imageSize: 32, seed: 1 });
console.log(tf.getBackend(), typeof network.directMembers);
const x=tf.zeros([2,32,32,1]);
const p=new DDIMPipeline({unet:network});
try { const y=p.denoiserFor({compile:true}).predict(x,500); } catch(e) { console.log(e, e.cause); }
process.exit(0)
