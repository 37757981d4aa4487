// First, so that everything after it is compiled once only.
import './compile-cache';
export { endOnRequest } from './end-on-request';
export { explain } from './explain';
export { productVersion } from './product-version';
