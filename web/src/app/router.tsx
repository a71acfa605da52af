// Every page and its address. A page is fetched when it is opened.
import type { ComponentType } from "react";
import { createBrowserRouter, Navigate, useParams, type RouteObject } from "react-router";
import { NoAccess } from "@/components/States";
import { Broken } from "./Broken";
import { home } from "./navigation";
import { RequireSession, useMe } from "./session";
import { Shell } from "./Shell";

type Page = () => Promise<{ default: ComponentType }>;

function Home() {
  return <Navigate to={home(useMe())} replace />;
}

function page(path: string, load: Page): RouteObject {
  return { path, lazy: async () => ({ Component: (await load()).default }) };
}

/** A page about one thing begins anew with another: nothing of the one before is shown in its place. */
function pageOfOne(path: string, name: string, load: Page): RouteObject {
  const lazy = async () => {
    const { default: Loaded } = await load();
    const Component = () => <Loaded key={useParams()[name]} />;
    return { Component };
  };
  return { path, lazy };
}

const pages: RouteObject[] = [
  { index: true, element: <Home /> },
  page("fleet", () => import("@/pages/fleet")),
  pageOfOne("vehicles/:id/:tab?", "id", () => import("@/pages/vehicle")),
  page("alarms/:alarmId?", () => import("@/pages/alarms")),
  page("data/:tab?", () => import("@/pages/data")),
  page("settings/:tab?", () => import("@/pages/settings")),
  page("owner/:tab?", () => import("@/pages/owner")),
  { path: "*", element: <NoAccess /> },
];

export const router = createBrowserRouter([
  { path: "/sign-in", lazy: () => import("./SignIn"), HydrateFallback: () => null },
  {
    path: "/",
    element: (
      <RequireSession>
        <Shell />
      </RequireSession>
    ),
    HydrateFallback: () => null,
    errorElement: <Broken />,
    children: [{ errorElement: <Broken />, children: pages }],
  },
]);
