import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The API that `npm run dev` stands before; the built app is served by the API itself.
const API = "http://127.0.0.1:8765";

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: { outDir: "../src/twinpack/_web", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0 },
  server: { proxy: { "/v1": API, "/livez": API, "/readyz": API } },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], css: { include: [/tokens\.css/] } },
});
