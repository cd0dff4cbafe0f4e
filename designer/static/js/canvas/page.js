/* The parts of a journey's page; palette and places are only there when it can be edited. */
export const board = document.querySelector("[data-board]");
export { panel } from "../open.js";
export const palette = document.getElementById("palette");
export const journey = document.querySelector("[data-journey]").dataset.journey;
export const tree = () => document.getElementById("tree");
export const slots = () => [...tree().querySelectorAll(".slot")];
export const itemOf = (card) => card.closest(".step") ?? tree(); // what hangs on a card hangs there
export const chosen = () => tree().querySelector("button[aria-pressed=true]")?.value ?? "";
