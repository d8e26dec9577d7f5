### Pages that say what went wrong.

error-not-found = Page not found
error-not-found-text = There is nothing at this address. The program may have been removed.
error-forbidden = Not allowed
error-forbidden-text = Your level does not allow this.
error-cross-site = Request refused
error-cross-site-text = The request did not come from one of our own pages, so nothing was done. Go to the home page and try again there.
error-form = Something is missing
error-form-text = The form arrived incomplete. Go back and send it again.
error-down = A service does not answer
error-internal = Something went wrong
error-internal-text = The error is in the log of control_service. Trying again may help.
error-conflict = Not possible now
error-method = Not possible this way
error-method-text = This address does not take this kind of request.
