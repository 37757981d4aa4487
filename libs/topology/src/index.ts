export { formatTopology, loadTopology, parseTopology, TopologyInvalid } from './load-topology';
export { modulesOf, routeOf, topologySchema, upstreamsOf, type Instance, type Route, type Topology } from './topology';
