import { loadGatewaySettings, SettingsError } from './index';

const enough = { TOPOLOGY_FILE: '.banyan/topology.yaml' };

describe('the settings of the gateway', () => {
  it('need nothing but a topology', () => {
    expect(loadGatewaySettings(enough)).toMatchObject({
      topologyFile: '.banyan/topology.yaml',
      http: { port: 3000, headerLimitBytes: 16_384, trustedProxies: [] },
      upstream: { healthIntervalMs: 1_000 },
    });
    expect(() => loadGatewaySettings({})).toThrow(/^TOPOLOGY_FILE is not set/);
  });

  it('believe proxies by address and by network', () => {
    const { http } = loadGatewaySettings({ ...enough, GATEWAY_TRUSTED_PROXIES: '10.0.0.0/8, ::1' });
    expect(http.trustedProxies).toEqual(['10.0.0.0/8', '::1']);
  });

  it.each([
    ['GATEWAY_TRUSTED_PROXIES', 'everybody'],
    ['GATEWAY_TRUSTED_PROXIES', '10.0.0.0/eight'],
    ['GATEWAY_ADMIN_PORT', '70000'],
    ['GATEWAY_HEALTH_INTERVAL_MS', '0'],
    ['PORT', 'http'],
  ])('name %s when it is wrong: %s', (name, value) => {
    expect(() => loadGatewaySettings({ ...enough, [name]: value })).toThrow(SettingsError);
    expect(() => loadGatewaySettings({ ...enough, [name]: value })).toThrow(name);
  });
});
