namespace SLoRA.Errors;

/// <summary>What an error of foreign code says about itself: its message is that code's too, and may fail in its turn.</summary>
internal static class ErrorText
{
    /// <summary>The message, or the name of the type where there is none to be had.</summary>
    public static string Of(Exception error)
    {
        try
        {
            return error.Message ?? error.GetType().Name;
        }
        catch (Exception)
        {
            return error.GetType().Name;
        }
    }

    /// <summary>What telemetry calls the kind of an error, <c>error.type</c>: its stable code if it has one, else its type.</summary>
    public static string TypeOf(Exception error) => (error as SLoraException)?.Code ?? error.GetType().FullName!;
}
