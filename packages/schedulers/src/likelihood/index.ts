export { probabilityFlowSample, type FlowOptions, type FlowSample } from './sample.ts';
export { logLikelihood, type LikelihoodOptions, type LogLikelihood } from './log-likelihood.ts';
