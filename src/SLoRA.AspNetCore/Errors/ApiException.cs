namespace SLoRA.AspNetCore.Errors;

/// <summary>A request is refused, with what its answer says.</summary>
/// <param name="status">The HTTP status.</param>
/// <param name="code">A stable name of the error.</param>
/// <param name="message">One sentence that names the offending value.</param>
/// <param name="parameter">The member of the body at fault; null where there is none.</param>
internal sealed class ApiException(int status, string code, string message, string? parameter = null) : Exception(message)
{
    public int Status { get; } = status;

    public string Code { get; } = code;

    public string? Parameter { get; } = parameter;

    /// <summary>A member has a value that cannot be served.</summary>
    public static ApiException Invalid(string parameter, string message) =>
        new(StatusCodes.Status400BadRequest, "invalid_value", message, parameter);

    /// <summary>A member, or what it asks for, is not served here.</summary>
    public static ApiException Unsupported(string parameter, string message) =>
        new(StatusCodes.Status400BadRequest, "unsupported_parameter", message, parameter);

    /// <summary>There is no such model, or none for this caller: which of the two is not told.</summary>
    public static ApiException UnknownModel(string model) => new(
        StatusCodes.Status404NotFound, "model_not_found",
        $"The model '{model}' does not exist or you do not have access to it.", "model");
}
