// Who is signed in, what may be done, and how things are liked to be seen.
import { queryOptions, useQuery } from "@tanstack/react-query";
import { createContext, use, useCallback, useEffect, type ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { api, answered, ApiError, queries, setToken, type Schemas } from "@/api/client";
import { onSignedOut } from "@/api/client";
import { Failed } from "@/components/States";
import { chooseTheme } from "./theme";

export type Me = Schemas["Me"];
export type Preferences = Schemas["Preferences"];

const ME = ["me"] as const;
const WHO = queryOptions<Me, ApiError>({
  queryKey: ME,
  queryFn: ({ signal }) => answered(api.GET("/v1/me", { signal })),
  staleTime: 5 * 60_000,
});
const Session = createContext<Me | null>(null);

/** Ask who is signed in while the page itself is still being fetched. */
export function askWho(): void {
  void queries.prefetchQuery(WHO);
}

/** The one who is signed in; only inside `RequireSession`. */
export function useMe(): Me {
  const me = use(Session);
  if (me === null) throw new Error("no one is signed in here");
  return me;
}

/** Whether something may be done, by the name of the right: `may("alarms.act")`. */
export function useMay(): (right: string) => boolean {
  const { may } = useMe();
  return (right) => may.includes(right);
}

export function keepSession(me: Me): void {
  setToken(me.csrf_token ?? "");
  queries.setQueryData(ME, me);
}

/** Forget everything that was read for the one who was signed in. */
export function dropSession(): void {
  setToken("");
  queries.clear();
}

onSignedOut(() => void queries.invalidateQueries({ queryKey: ME }));

/** Let in who is signed in; ask others to sign in, and bring them back. */
export function RequireSession({ children }: { children: ReactNode }) {
  const { pathname, search } = useLocation();
  const me = useQuery(WHO);
  useEffect(() => {
    if (!me.data) return;
    setToken(me.data.csrf_token ?? "");
    const { theme } = me.data.preferences;
    if (theme && theme !== "system") chooseTheme(theme);
  }, [me.data]);
  if (me.error?.status === 401) {
    const next = pathname === "/" ? "" : `?next=${encodeURIComponent(pathname + search)}`;
    return <Navigate to={`/sign-in${next}`} replace />;
  }
  if (me.data) return <Session value={me.data}>{children}</Session>;
  if (me.error)
    return (
      <Failed what="The app could not be loaded" error={me.error} retry={() => void me.refetch()} page />
    );
  return null;
}

const NO_AUTH_KEPT_AS = "twinpack.preferences";

function keptHere(): Partial<Preferences> {
  try {
    return JSON.parse(localStorage.getItem(NO_AUTH_KEPT_AS) ?? "{}") as Partial<Preferences>;
  } catch {
    return {};
  }
}

let keeping: Promise<unknown> = Promise.resolve();

/** Keep preferences with the account, one change after the other, so that the last one stays. */
function keep(preferences: Preferences): void {
  keeping = keeping.then(() => api.PUT("/v1/me/preferences", { body: preferences }).catch(() => undefined));
}

export type Liked = Required<Preferences> & { set: (patch: Partial<Preferences>) => void };

/** Units, theme and keys as the one who is signed in likes them, and how to change them. */
export function usePreferences(): Liked {
  const me = useMe();
  const kept = { ...me.preferences, ...(me.no_auth ? keptHere() : {}) };
  const set = useCallback(
    (patch: Partial<Preferences>) => {
      const preferences = { ...kept, ...patch };
      if (patch.theme) chooseTheme(patch.theme);
      queries.setQueryData<Me>(ME, (old) => (old ? { ...old, preferences } : old));
      // Without sign-in there is no account to keep them with: they stay in this browser.
      if (me.no_auth) localStorage.setItem(NO_AUTH_KEPT_AS, JSON.stringify(preferences));
      else keep(preferences);
    },
    [kept, me.no_auth],
  );
  return {
    distance: kept.distance ?? "km",
    temperature: kept.temperature ?? "c",
    theme: kept.theme ?? "system",
    keys: kept.keys ?? true,
    set,
  };
}
