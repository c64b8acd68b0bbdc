/** A personal access token, as people make one. */
import type { LabelStudioServer } from '../../../../examples/label-studio/label-studio-server.ts';

/** As a person makes one in Account & Settings. */
export async function personalToken({ url, user, password }: Pick<LabelStudioServer, 'url' | 'user' | 'password'>): Promise<string> {
  const jar = new Map<string, string>();
  const ask = async (path: string, body?: URLSearchParams): Promise<Response> => {
    const response = await fetch(`${url}${path}`, {
      method: body ? 'POST' : 'GET',
      redirect: 'manual',
      headers: {
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
        referer: url,
        ...(jar.has('csrftoken') && { 'x-csrftoken': jar.get('csrftoken') as string }),
      },
      ...(body && { body }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar.set(name, value);
    }
    return response;
  };
  const page = await (await ask('/user/login/')).text();
  const hidden = /name="csrfmiddlewaretoken" value="([^"]+)"/.exec(page)?.[1] ?? '';
  await ask('/user/login/', new URLSearchParams({ csrfmiddlewaretoken: hidden, email: user, password }));
  const response = await ask('/api/token/', new URLSearchParams());
  const { token } = (await response.json()) as { token?: string };
  if (token === undefined) throw new Error(`no personal token: ${response.status}`);
  return token;
}
