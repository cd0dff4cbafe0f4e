/* A journey's page, for those who read it and those who edit it. What is collapsed comes first: it decides
   how large the tree is. */
import "./canvas/fold.js";
import "./canvas/zoom.js";
import "./canvas/search.js";
