"""Errors and successes as Redfish services word them (DSP0266, error responses; Base registry, DSP8011)."""

from __future__ import annotations

from typing import Any

from bpa.lab.recorded.exchange import Doc, Refusal, Reply
from bpa.lab.recorded.personality import Personality, SuccessStyle

# name -> (HTTP status, text with %1 ..., severity, resolution)
BASE: dict[str, tuple[int, str, str, str]] = {
    "Success": (200, "The request completed successfully.", "OK", "None."),
    "Created": (201, "The resource was created successfully.", "OK", "None."),
    "GeneralError": (500, "A general error has occurred.", "Critical", "See the log of the service."),
    "InternalError": (500, "The request failed due to an internal service error.", "Critical",
                      "Resubmit the request."),
    "MalformedJSON": (400, "The request body submitted was malformed JSON and could not be parsed by the receiving "
                      "service.", "Critical", "Ensure that the request body is valid JSON and resubmit."),
    "UnrecognizedRequestBody": (400, "The service detected a malformed request body that it was unable to "
                                "interpret.", "Warning", "Correct the request body and resubmit."),
    "EmptyJSON": (400, "The request body submitted contained an empty JSON object.", "Warning",
                  "Add properties in the JSON object and resubmit."),
    "NoOperation": (400, "The request body submitted contain no data to act upon.", "Warning",
                    "Add properties in the JSON object and resubmit."),
    "PropertyUnknown": (400, "The property %1 is not in the list of valid properties for the resource.", "Warning",
                        "Remove the unknown property from the request body and resubmit."),
    "PropertyNotWritable": (400, "The property %1 is a read-only property and cannot be assigned a value.",
                            "Warning", "Remove the property from the request body and resubmit."),
    "PropertyValueTypeError": (400, "The value %1 for the property %2 is of a different type than the property can "
                               "accept.", "Warning", "Correct the value and resubmit."),
    "PropertyValueNotInList": (400, "The value %1 for the property %2 is not in the list of acceptable values.",
                               "Warning", "Choose a value from the enumeration list and resubmit."),
    "PropertyValueFormatError": (400, "The value %1 for the property %2 is of a different format than the property "
                                 "can accept.", "Warning", "Correct the value and resubmit."),
    "PropertyValueOutOfRange": (400, "The value %1 for the property %2 is not in the supported range of acceptable "
                                "values.", "Warning", "Correct the value and resubmit."),
    "PropertyMissing": (400, "The property %1 is a required property and must be included in the request.",
                        "Warning", "Add the property and resubmit."),
    "ActionParameterMissing": (400, "The action %1 requires the parameter %2 to be present in the request body.",
                               "Critical", "Supply the parameter and resubmit."),
    "ActionParameterUnknown": (400, "The action %1 was submitted with the invalid parameter %2.", "Warning",
                               "Correct the invalid parameter and resubmit."),
    "ActionParameterNotSupported": (400, "The parameter %1 for the action %2 is not supported on the target "
                                    "resource.", "Warning", "Remove the parameter and resubmit."),
    "ActionParameterValueTypeError": (400, "The value %1 for the parameter %2 in the action %3 is of a different "
                                      "type than the parameter can accept.", "Warning", "Correct the value."),
    "ActionParameterValueFormatError": (400, "The value %1 for the parameter %2 in the action %3 is of a different "
                                        "format than the parameter can accept.", "Warning", "Correct the value."),
    "ActionParameterValueNotInList": (400, "The value %1 for the parameter %2 in the action %3 is not in the list "
                                      "of acceptable values.", "Warning", "Choose a value from the list."),
    "ActionNotSupported": (400, "The action %1 is not supported by the resource.", "Critical",
                           "Use an action that the resource announces."),
    "ActionNotActed": (501, "The action %1 is announced by the recorded machine, but the emulation does not act it "
                       "out.", "Warning", "Try it on the real machine."),
    "ResourceMissingAtURI": (404, "The resource at the URI %1 was not found.", "Critical",
                             "Place a valid resource at the URI or correct the URI and resubmit."),
    "ResourceAlreadyExists": (400, "The requested resource of type %1 with the property %2 with the value %3 "
                              "already exists.", "Critical", "Do not repeat the create operation."),
    "ResourceInUse": (409, "The change to the requested resource failed because the resource is in use or in "
                      "transition.", "Warning", "Remove the condition and resubmit the request."),
    "ResourceNotWritable": (405, "Unable to modify the resource.", "Warning", "Do not modify this resource."),
    "OperationNotAllowed": (405, "The HTTP method is not allowed on this resource.", "Critical", "None."),
    "NoValidSession": (401, "There is no valid session established with the implementation.", "Critical",
                       "Establish a session before attempting any operations."),
    "ResourceAtUriUnauthorized": (401, "While accessing the resource at %1, the service received an authorization "
                                  "error.", "Critical", "Use valid credentials."),
    "InsufficientPrivilege": (403, "There are insufficient privileges for the account or credentials associated "
                              "with the current session to perform the requested operation.", "Critical",
                              "Use an account with the privilege."),
    "PasswordChangeRequired": (403, "The password provided for this account must be changed before access is granted.  "
                               "PATCH the Password property for this account located at the target URI '%1' to complete "
                               "this process.", "Critical", "Change the password for this account."),
    "AccountForSessionNoLongerExists": (401, "The account for the current session was removed.", "Critical", "Log in."),
    "SessionLimitExceeded": (503, "The session establishment failed due to the number of simultaneous sessions "
                             "exceeding the limit of the implementation.", "Critical",
                             "Reduce the number of other sessions."),
    "CreateLimitReachedForResource": (400, "The create operation failed because the resource has reached the limit "
                                      "of possible resources.", "Critical", "Delete resources and resubmit."),
    "ServiceTemporarilyUnavailable": (503, "The service is temporarily unavailable. Retry in %1 seconds.",
                                      "Critical", "Wait and resubmit."),
    "ResourceInStandby": (503, "The request could not be performed because the resource is in standby.",
                          "Critical", "Ensure that the resource is powered on."),
    "PreconditionFailed": (412, "The ETag supplied did not match the ETag required to change this resource.",
                           "Critical", "Try the operation again using the appropriate ETag."),
    "PreconditionRequired": (428, "A precondition header or annotation is required to change this resource.",
                             "Critical", "Try the operation again using an If-Match header."),
    "OperationFailed": (400, "An error occurred internal to the service as part of the overall request.",
                        "Warning", "Resubmit the request."),
    "PropertyValueConflict": (400, "The property '%1' could not be written because its value would conflict with "
                              "the value of the '%2' property.", "Warning", "Correct the values."),
    "ActionNotAllowed": (409, "The action is not possible in the present state.", "Warning", "Change the state."),
    "QueryNotSupported": (501, "Querying is not supported by the implementation.", "Warning", "Remove the query."),
    "QueryNotSupportedOnResource": (400, "Querying is not supported on the requested resource.", "Warning",
                                    "Remove the query."),
    "QueryParameterValueFormatError": (400, "The value %1 for the parameter %2 is of a different format than the "
                                       "parameter can accept.", "Warning", "Correct the value."),
    "QueryParameterOutOfRange": (400, "The value %1 for the query parameter %2 is out of range.", "Warning",
                                 "Reduce the value."),
    "UnsupportedMediaType": (415, "The media type of the request body is not supported.", "Warning",
                             "Send application/json."),
    "NotAcceptable": (406, "The requested encoding is not available.", "Warning", "Accept gzip."),
    # Of vendors; `error_text` of a personality gives them the vendor's id and status.
    "Staged": (200, "The settings were saved and take effect at the next restart.", "OK", "Restart the system."),
    "PendingConfig": (409, "Pending settings are already committed.", "Warning", "Wait for the job, or delete it."),
    "MediaIn": (400, "Media is already inserted.", "Warning", "Eject it first."),
    "MediaOut": (400, "No media is inserted.", "Warning", "None."),
    "InPost": (400, "The settings cannot be modified while the system is in POST.", "Warning", "Wait for POST to end."),
}


class Messages:
    """Replies in one vendor's shape. base: the Base registry that the tree names, for example "Base.1.12"."""

    def __init__(self, personality: Personality, base: str) -> None:
        self._ways = personality
        self.base = base

    def info(self, name: str, *args: object, related: tuple[str, ...] = ()) -> Doc:
        """One entry of @Message.ExtendedInfo."""
        _, text, severity, resolution = BASE[name]
        vendors = self._ways.error_text.get(name)
        said = [str(a) for a in args]
        for number, value in enumerate(said, 1):
            text = text.replace(f"%{number}", f"'{value}'" if "'%" not in text else value)
        info: Doc = {"MessageId": vendors[1] if vendors else f"{self.base}.{name}"}
        if self._ways.message_texts:
            info = {
                "@odata.type": self._ways.message_type, **info, "Message": vendors[2] if vendors else text,
                "MessageArgs": said, "RelatedProperties": [f"#/{p}" for p in related],
                "Severity": severity, "MessageSeverity": severity, "Resolution": resolution,
            }
        elif said:
            info["MessageArgs"] = said
        return info

    def body(self, *infos: Doc) -> Doc:
        """An error body with these entries."""
        code = self._ways.error_code or f"{self.base}.GeneralError"
        return {"error": {"code": code, "message": self._ways.error_message, "@Message.ExtendedInfo": list(infos)}}

    def error(self, name: str, *args: object, related: tuple[str, ...] = (), status: int = 0, **headers: str) -> Reply:
        """An error of the Base registry (or what this vendor says instead) as an answer."""
        vendors = self._ways.error_text.get(name)
        said = {k.replace("_", "-"): v for k, v in headers.items()}
        return Reply(status or (vendors[0] if vendors else BASE[name][0]),
                     self.body(self.info(name, *args, related=related)), said)

    def refuse(self, name: str, *args: object, related: tuple[str, ...] = (), status: int = 0, **headers: str) -> Refusal:
        """The same as an exception."""
        return Refusal(self.error(name, *args, related=related, status=status, **headers))

    def vendor(self, said: tuple[int, str, str], **words: str) -> Refusal:
        """A message of the vendor's own: (status, id, text)."""
        status, ident, text = said
        info: Doc = {"MessageId": ident}
        if self._ways.message_texts:
            info |= {"@odata.type": self._ways.message_type, "Message": text.format(**words), "MessageArgs": [],
                     "Severity": "Warning", "MessageSeverity": "Warning", "Resolution": "None."}
        return Refusal(Reply(status, self.body(info)))

    def done(self, changed: Any = None, style: SuccessStyle | None = None, name: str = "Success") -> Reply:
        """A write has been done; changed is the resource as it is now, for vendors that answer with it."""
        style = style or self._ways.success
        info = self.info(name)
        if style == "extended":
            return Reply(200, self.body(info))
        if style == "success":
            return Reply(200, {"Success": {"code": info["MessageId"], "Message": "Successfully Completed Request."}})
        if style == "message":
            return Reply(200, {"@Message.ExtendedInfo": [info]})
        if style == "resource" and changed is not None:
            return Reply(200, changed)
        return Reply(204)
