export { MissingUError, type ErrorDetails } from './error.ts';
export { didYouMean, invalidArgument, show, unknownName, type BadArgument } from './argument.ts';
