"""A generated project: where its template comes from, its answers, its rendering. The only home of copier."""
