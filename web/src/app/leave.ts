import type { NavigateFunction } from "react-router";
import { api } from "@/api/client";
import { dropSession } from "./session";

/** Sign out; nothing that was read stays in the page. */
export async function leave(navigate: NavigateFunction): Promise<void> {
  await api.POST("/v1/auth/sign-out").catch(() => undefined);
  await navigate("/sign-in");
  dropSession();
}
