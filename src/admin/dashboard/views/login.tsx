// Asks for the admin token, once; the browser then holds a cookie that no script can read.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Connection } from '../connection.ts';

/** Asks for the token of the admin port. */
export function Login({ connection }: { readonly connection: Connection }) {
  const [token, setToken] = useState('');
  const [refused, setRefused] = useState<string | null>(null);
  const field = useRef<HTMLInputElement>(null);
  // There is nothing else to do here.
  useEffect(() => field.current?.focus(), []);
  return (
    <main class="login">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void connection.logIn(token).then(setRefused);
        }}
      >
        <h1>qedge</h1>
        <label for="token">Admin token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="current-password"
          value={token}
          aria-describedby="refused"
          onInput={(event) => setToken(event.currentTarget.value)}
        />
        <button type="submit" class="primary">
          Open
        </button>
        <p id="refused" class="refused" role="alert">
          {refused}
        </p>
      </form>
    </main>
  );
}
