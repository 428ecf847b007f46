/* reference.S - files that are part of the program: the API's description (made of spec/openapi.yaml) and
 * the page that shows it. Each has its length beside it; src/api/api_reference.c serves them. */
	.section .rodata

.macro embed name, path
	.global \name
	.hidden \name
	.global \name\()_size
	.hidden \name\()_size
\name:
	.incbin "\path"
1:
	.balign 8
\name\()_size:
	.quad 1b - \name
.endm

	embed reference_openapi, "spec/generated/openapi.json"
	embed reference_page, "src/api/reference/page.html"
	embed reference_style, "src/api/reference/page.css"
	embed reference_script, "src/api/reference/page.js"

	.section .note.GNU-stack, "", %progbits
