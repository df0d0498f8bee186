export { HEAP, gemm } from './gemm';
export { choleskyPivoted } from './cholesky';
export { eigenvalues } from './eigenvalues';
export { traceSqrtProduct } from './frechet';
