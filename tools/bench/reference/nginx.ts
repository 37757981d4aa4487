import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';

const PLACES = ['nginx', '/usr/sbin/nginx', '/usr/local/sbin/nginx'];

/** nginx with one worker in front of one app, doing to headers what the gateway does. */
export class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** The nginx of this machine; undefined where there is none. */
  static find(): string | undefined {
    return PLACES.find((place) => spawnSync(place, ['-v']).status === 0);
  }

  /** `before` is put in front of the command, such as `taskset -c 1`. */
  static async start(
    nginx: string,
    { folder, port, upstream, before }: { folder: string; port: number; upstream: number; before: readonly string[] },
  ): Promise<Nginx> {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration(folder, port, upstream));
    const command = [...before, nginx, '-p', folder, '-c', file];
    const child = spawn(command[0] as string, command.slice(1), { stdio: 'ignore' });
    const started = new Nginx(child, port);
    while (!(await started.answers())) {
      if (child.exitCode !== null) throw new Error(`nginx did not start; see ${join(folder, 'error.log')}`);
    }
    return started;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await gone;
  }

  private async answers(): Promise<boolean> {
    try {
      const { statusCode, body } = await request(`http://127.0.0.1:${this.port}/`);
      await body.dump();
      return statusCode === 200;
    } catch {
      return false;
    }
  }
}

function configuration(folder: string, port: number, upstream: number): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000000;
  ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  upstream app { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Correlation-ID $request_id;
    }
  }
}
`;
}
