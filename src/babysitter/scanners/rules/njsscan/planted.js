// Not part of any program: a fault that njsscan has to report, so that we know that its rules ran.
function planted(request, response) {
  eval(request.query.planted);
}
