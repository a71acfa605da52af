// Sign in; afterwards back to where one wanted to go.
import { useState, type FormEvent } from "react";
import { useNavigate, useSearchParams } from "react-router";
import { answered, api, ApiError } from "@/api/client";
import { Button } from "@/components/Button";
import { Logo, Wordmark } from "@/components/Logo";
import { useDocumentTitle } from "@/components/PageTitle";
import { dropSession, keepSession } from "./session";
import styles from "./SignIn.module.css";

/** Only an address of this app: never another host's, whatever the link said. */
export function safeNext(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) && !next.startsWith("/sign-in") ? next : "/";
}

function words(error: ApiError): string {
  if (error.status === 401)
    return "The user name or the password is wrong, or the account is locked for now.";
  if (error.status === 422) return "A user name has letters, digits and . _ @ + - only.";
  if (error.status === 429) return "Too many tries. Wait a minute and try again.";
  if (error.status === 0) return "The service does not answer. It may be starting; try again.";
  return error.message;
}

export function Component() {
  useDocumentTitle("Sign in");
  const [params] = useSearchParams();
  const navigate = useNavigate();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const body = { username: String(form.get("username")).trim(), password: String(form.get("password")) };
    setBusy(true);
    setProblem("");
    try {
      const me = await answered(api.POST("/v1/auth/sign-in", { body }));
      dropSession();
      keepSession(me);
      await navigate(safeNext(params.get("next")), { replace: true });
    } catch (error) {
      setProblem(words(error as ApiError));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className={styles.page}>
      <form className={styles.card} onSubmit={(event) => void submit(event)}>
        <div className={styles.brand}>
          <Logo size={40} />
          <Wordmark />
        </div>
        <h1>Sign in</h1>
        <label>
          User name
          <input
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
          />
        </label>
        <label>
          Password
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem && (
          <p className={styles.problem} role="alert">
            {problem}
          </p>
        )}
        <Button kind="filled" type="submit" disabled={busy}>
          {busy ? "Signing in" : "Sign in"}
        </Button>
        <p className="support">The first start of the service prints how to sign in.</p>
      </form>
    </main>
  );
}
