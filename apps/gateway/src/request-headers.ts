/*
 * Terminology
 *   peer      whoever holds the other end of the connection: a client, or a proxy before us
 *   trusted   a peer that is configured as a proxy of ours: what it says about its own client is believed
 *   hop       one connection of the way; a hop-by-hop header speaks of the connection, not of the request
 */
import { correlationIdOf } from '@banyan/telemetry';

export interface Peer {
  /** Its IP address. */
  readonly address: string;
  readonly trusted: boolean;
  /** The address as Forwarded names it. */
  readonly node: string;
}

export function peerAt(address: string, trusted: boolean): Peer {
  return { address, trusted, node: `for=${nodeOf(address)}` };
}

/** A request's headers as the app behind us gets them, and what we ourselves need to know of them. */
export interface RequestHeaders {
  /** As they go on, line by line, without the length of the body, which whoever sends it on says anew. */
  readonly lines: string;
  /** Undefined where the request names none; HTTP/1.1 wants exactly one. */
  readonly host: string | undefined;
  readonly namesSeveralHosts: boolean;
  /** As sent, or made up where it was missing or not fit for logs. */
  readonly correlationId: string;
  readonly authorization: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The announced length of the body; undefined where none is announced. */
  readonly contentLength: number | undefined;
  /** Whether the body comes in chunks, so that its length is known only in the end. */
  readonly chunked: boolean;
}

const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

/**
 * Headers by which proxies and identity providers tell the apps behind them who is calling, from where, or which path was
 * meant. Apps that believe one of them believe whoever sends it, so none comes from outside. Ours go by the access token.
 */
const TOLD_BY_PROXIES_ONLY = [
  /^(x-)?forwarded$/,
  /^x-forwarded-/,
  /^x-original-/,
  /^x-rewrite-/,
  /^x-(real|client|cluster-client|remote)-ip$/,
  /^(true-client|cf-connecting|fastly-client)-ip$/,
  /^x-remote-(addr|user)$/,
  /^remote-(user|name|email|groups)$/,
  /^x-(auth|authenticated|user|users|userinfo|username|role|roles|scope|scopes|group|groups|email|admin)$/,
  /^x-(auth|authenticated|user|role|customer|account|tenant|principal|subject|consumer|credential|identity)-/,
  /^x-(principal|subject|identity|customer|account|tenant|claims|jwt|jwt-.*|token-.*|id-token|access-token)$/,
  /^x-(internal|banyan|gateway)-/,
  /^x-(client|ssl-client|tls-client)-(cert|certificate|dn|s-dn|i-dn|verify|subject)/,
  /^(ssl|tls)-client-/,
  /^x-goog-(authenticated-user|iap)-/,
  /^x-(ms-client-principal|ms-token)/,
  /^x-amzn-oidc-/,
  /^cf-access-/,
  /^x-http-method(-override)?$/,
  /^x-method-override$/,
];

const enum Fate {
  Forward,
  Authorization,
  IdempotencyKey,
  // From here on, what a Connection header cannot take away.
  Drop,
  Host,
  Connection,
  Length,
  Chunks,
  CorrelationId,
  ForwardedFor,
  ForwardedProto,
  ForwardedHost,
}

const SPECIAL = new Map<string, Fate>([
  ...HOP_BY_HOP.map((name): [string, Fate] => [name, Fate.Drop]),
  ['host', Fate.Host],
  ['connection', Fate.Connection],
  ['content-length', Fate.Length],
  ['transfer-encoding', Fate.Chunks],
  // Kept between the client and us: we say when we want the body.
  ['expect', Fate.Drop],
  ['x-correlation-id', Fate.CorrelationId],
  ['authorization', Fate.Authorization],
  ['idempotency-key', Fate.IdempotencyKey],
  ['x-forwarded-for', Fate.ForwardedFor],
  ['x-forwarded-proto', Fate.ForwardedProto],
  ['x-forwarded-host', Fate.ForwardedHost],
]);

// By the name as it was sent, since clients send the same few again and again. A stranger could send ever new ones.
const fates = new Map<string, Fate>();
const MOST_FATES = 2_000;

function fateOf(name: string): Fate {
  const known = fates.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  // Servers behind CGI-like interfaces cannot tell an underscore from a hyphen.
  const fate = SPECIAL.get(lower) ?? (isToldByProxiesOnly(lower.replaceAll('_', '-')) ? Fate.Drop : Fate.Forward);
  if (fates.size < MOST_FATES) fates.set(name, fate);
  return fate;
}

function isToldByProxiesOnly(name: string): boolean {
  return SPECIAL.get(name) === Fate.ForwardedFor || TOLD_BY_PROXIES_ONLY.some((pattern) => pattern.test(name));
}

/** What becomes of a request's headers, given in turn as Node's `rawHeaders` has them. */
export function requestHeaders(raw: readonly string[], peer: Peer): RequestHeaders {
  return headersWithout(undefined, raw, peer);
}

function headersWithout(named: ReadonlySet<string> | undefined, raw: readonly string[], peer: Peer): RequestHeaders {
  let lines = '';
  let host: string | undefined;
  let namesSeveralHosts = false;
  let connection: string | undefined;
  let sentCorrelationId: string | undefined;
  let authorization: string | undefined;
  let idempotencyKey: string | undefined;
  let contentLength: number | undefined;
  let chunked = false;
  let forwardedFor: string | undefined;
  let forwardedProto: string | undefined;
  let forwardedHost: string | undefined;

  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string;
    const value = raw[at + 1] as string;
    const fate = fateOf(name);
    if (named !== undefined && fate <= Fate.IdempotencyKey && named.has(name.toLowerCase())) continue;
    switch (fate) {
      case Fate.Forward:
        lines += `${name}: ${value}\r\n`;
        break;
      case Fate.Authorization:
        authorization = value;
        lines += `${name}: ${value}\r\n`;
        break;
      case Fate.IdempotencyKey:
        idempotencyKey = value;
        lines += `${name}: ${value}\r\n`;
        break;
      case Fate.Host:
        if (host !== undefined) namesSeveralHosts = true;
        host = value;
        break;
      case Fate.Connection:
        connection = connection === undefined ? value : `${connection},${value}`;
        break;
      case Fate.Length:
        contentLength = Number(value);
        break;
      case Fate.Chunks:
        chunked = true;
        break;
      case Fate.CorrelationId:
        sentCorrelationId = value;
        break;
      case Fate.ForwardedFor:
        forwardedFor = forwardedFor === undefined ? value : `${forwardedFor}, ${value}`;
        break;
      case Fate.ForwardedProto:
        forwardedProto = value;
        break;
      case Fate.ForwardedHost:
        forwardedHost = value;
        break;
      case Fate.Drop:
    }
  }
  if (named === undefined && connection !== undefined && connection !== 'keep-alive' && connection !== 'close') {
    return headersWithout(namesIn(connection), raw, peer);
  }

  const correlationId = correlationIdOf(sentCorrelationId);
  if (host !== undefined) lines += `host: ${host}\r\n`;
  lines += `x-correlation-id: ${correlationId}\r\n`;
  lines += whoAsked(peer, host, { forwardedFor, forwardedProto, forwardedHost });
  return { lines, host, namesSeveralHosts, correlationId, authorization, idempotencyKey, contentLength, chunked };
}

/** What a Connection header names was meant for us, and goes no further. */
function namesIn(connection: string): ReadonlySet<string> {
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()));
}

function whoAsked(
  { address, trusted, node }: Peer,
  host: string | undefined,
  told: { forwardedFor: string | undefined; forwardedProto: string | undefined; forwardedHost: string | undefined },
): string {
  const isPassedOn = trusted && told.forwardedFor !== undefined;
  const path = isPassedOn ? `${told.forwardedFor}, ${address}` : address;
  const nodes = isPassedOn ? nodesOf(path) : node;
  const proto = trusted && told.forwardedProto === 'https' ? 'https' : 'http';
  const askedFor = trusted && told.forwardedHost !== undefined ? told.forwardedHost : host;
  const lines = `x-forwarded-for: ${path}\r\nx-forwarded-proto: ${proto}\r\n`;
  if (askedFor === undefined) return `${lines}forwarded: ${nodes};proto=${proto}\r\n`;
  // A host that holds what could end the quotation is left out rather than mended.
  const quoted = /["\\]/.test(askedFor) ? '' : `;host="${askedFor}"`;
  return `${lines}x-forwarded-host: ${askedFor}\r\nforwarded: ${nodes}${quoted};proto=${proto}\r\n`;
}

const nodesOf = (addresses: string) =>
  addresses
    .split(',')
    .map((address) => `for=${nodeOf(address.trim())}`)
    .join(', ');

/** An address as RFC 7239 writes it; what is none is called unknown. */
function nodeOf(address: string): string {
  if (address.includes(':')) return /^[0-9A-Fa-f:.]+$/.test(address) ? `"[${address}]"` : 'unknown';
  return /^[\d.]+$/.test(address) ? address : 'unknown';
}
