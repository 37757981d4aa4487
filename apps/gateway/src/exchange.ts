import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '@banyan/problem';
import { BodyTooLarge, ClientBody, wholeBody } from './client-body';
import { AnswerLate, NotConnected, type Asked, type Asker, type Question } from './connections';
import type { Instance } from './instance';
import { answerProblem } from './problem-answer';
import type { RequestHeaders } from './request-headers';
import { instanceFor, type ModuleRoute } from './routing-table';
import { stickyKey } from './sticky-key';

// Up to this, a body is sent on once it is there: an app is spared clients that send it letter by letter.
const SHORT_BODY_BYTES = 65_536;
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);
const MOST_TRIES = 3;
// An app refuses at once what is announced as this long; this is for one that would wait for it.
const REFUSES_WITHIN_MS = 2_000;
const ENDLESS = { announced: Number.MAX_SAFE_INTEGER };

/** What an exchange needs of the gateway around it. */
export interface Surroundings {
  /** Whether clients are asked to go. */
  readonly draining: boolean;
  /** Told once, when a request has been answered, or its client has gone. */
  ended(exchange: Exchange): void;
  /** Something went wrong behind us that an operator would like to know of. */
  failed(exchange: Exchange, instance: Instance | undefined, error: Error): void;
}

/**
 * One request and its answer: chooses an instance, sends the request on and the answer back, neither faster than it is
 * taken. Where nothing of the request was sent, or it is safe, another instance may be tried; once the answer has begun,
 * nothing can be mended any more, and the client sees it break off.
 */
export class Exchange implements Asker {
  /** How often it was tried after the first time. */
  retries = 0;
  readonly beganAt = performance.now();
  private readonly key: string | undefined;
  private readonly tried: Instance[] = [];
  private instance: Instance | undefined;
  private body: Question['body'] = null;
  private asked: Asked | undefined;
  /** Whether the instance has got anything of the request. */
  private sent = false;
  private over = false;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly route: ModuleRoute<Instance>,
    readonly headers: RequestHeaders,
    private readonly target: string,
    private readonly around: Surroundings,
  ) {
    this.key = route.hasChoice ? stickyKey(route.sticky, headers) : undefined;
    // A client that leaves at the wrong moment must not end the process; that it left, `close` says.
    response.on('error', () => undefined);
    response.on('close', () => {
      if (!response.writableFinished) this.giveUp();
      this.around.ended(this);
    });
  }

  /** Takes the request's body, and sends it on. */
  begin(waitsForContinue: boolean): void {
    const { request, response, headers, route } = this;
    const length = headers.contentLength ?? 0;
    const goOn = () => {
      if (waitsForContinue) response.writeContinue();
    };
    if (length > route.bodyLimitBytes) {
      this.beRefused();
    } else if (headers.chunked || length > SHORT_BODY_BYTES) {
      const stream = new ClientBody(request, route.bodyLimitBytes, goOn);
      this.body = { stream, length: headers.chunked ? undefined : length };
      this.send();
    } else if (length > 0) {
      goOn();
      wholeBody(request, length, (body) => {
        this.body = body;
        this.send();
      });
    } else {
      this.send();
    }
  }

  /** Whether the client has got the beginning of its answer, and not the end. */
  get isAnswering(): boolean {
    return this.response.headersSent && !this.response.writableFinished;
  }

  /** Whether it is the app that keeps us waiting. */
  get isWaiting(): boolean {
    return !this.response.headersSent;
  }

  /** Nobody waits for the answer any more. */
  giveUp(): void {
    if (this.over) return;
    this.over = true;
    this.asked?.abandon();
    const { body } = this;
    if (body && 'stream' in body) body.stream.destroy();
  }

  onSent(): void {
    this.sent = true;
  }

  onHead(status: number, reason: string, headers: string[], closes: boolean): void {
    if (this.around.draining) headers.push('connection', 'close');
    // Perhaps a farewell: an app that stops says so with its answers, and has closed its port already.
    if (closes) void this.instance?.look();
    this.response.writeHead(status, reason, headers);
  }

  onHeadAlone(): void {
    this.response.flushHeaders();
  }

  onData(chunk: Buffer | string, isLast: boolean): void {
    const { response } = this;
    if (isLast) {
      response.end(chunk, 'latin1');
    } else if (!response.write(chunk, 'latin1')) {
      this.asked?.pause();
      response.once('drain', () => this.asked?.resume());
    }
  }

  onEnd(): void {
    this.over = true;
    if (!this.response.writableEnded) this.response.end();
    if (!this.request.complete) this.request.resume();
  }

  onFailure(error: Error): void {
    if (this.over) return;
    if (this.response.headersSent) {
      this.around.failed(this, this.instance, error);
      this.over = true;
      this.response.destroy();
    } else if (error instanceof BodyTooLarge) {
      this.answer(new Problem('body-too-large', 'The body is larger than this server takes.'));
    } else {
      this.tryAgainOrAnswer(error);
    }
  }

  private send(): void {
    if (this.over) return;
    const instance = instanceFor(this.route, this.key, this.tried);
    if (!instance) {
      this.answer(unavailable());
      return;
    }
    this.sendTo(instance);
  }

  private sendTo(instance: Instance): void {
    this.instance = instance;
    this.tried.push(instance);
    this.sent = false;
    const { request, target, headers, body, route } = this;
    const method = request.method as string;
    // HTTP/1.0 lets a client leave it out, and HTTP/1.1 does not let us.
    const host = headers.host === undefined ? `host: ${instance.address}\r\n` : '';
    const head = `${method} ${target} HTTP/1.1\r\n${host}${headers.lines}`;
    this.asked = instance.connections.ask({ method, head, body, timeoutMs: route.timeoutMs }, this);
  }

  private tryAgainOrAnswer(error: Error): void {
    const { instance, request, tried } = this;
    const isLate = error instanceof AnswerLate;
    if (error instanceof NotConnected) instance?.refused(error.message);
    else if (!isLate) void instance?.look();
    const mayBeRepeated = !this.sent || (SAFE.has(request.method ?? '') && this.body === null && !isLate);
    if (mayBeRepeated && tried.length < MOST_TRIES) {
      // A kept connection may have ended just when we used it; its instance gets another chance where there is no other.
      const again = tried.length === 1 && this.sent && instance?.state === 'ready' ? instance : undefined;
      const next = instanceFor(this.route, this.key, tried) ?? again;
      if (next) {
        this.retries += 1;
        this.sendTo(next);
        return;
      }
    }
    this.around.failed(this, instance, error);
    if (!this.sent) this.answer(unavailable());
    else if (isLate) this.answer(new Problem('gateway-timeout', 'The app behind the gateway did not answer in time.'));
    else this.answer(new Problem('bad-gateway', 'The app behind the gateway broke off before it had answered.'));
  }

  /** Sends on a request whose body is too large, without the body, since the app has checks that come before that one. */
  private beRefused(): void {
    this.body = ENDLESS;
    this.request.resume();
    const waiting = setTimeout(() => {
      if (this.over || this.response.headersSent) return;
      this.asked?.abandon();
      this.answer(new Problem('body-too-large', 'The body is larger than this server takes.'));
    }, REFUSES_WITHIN_MS);
    this.response.on('close', () => clearTimeout(waiting));
    this.send();
  }

  private answer(problem: Problem): void {
    this.over = true;
    if (!this.request.complete) this.request.resume();
    answerProblem(this.response, problem, {
      url: this.request.url ?? '/',
      correlationId: this.headers.correlationId,
      close: this.around.draining,
    });
  }
}

function unavailable(): Problem {
  return new Problem('unavailable', 'The service is not available at the moment; try again shortly.', {
    headers: { 'retry-after': '1' },
  });
}
