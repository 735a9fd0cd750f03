namespace SLoRA.HuggingFace.Transfer;

/// <summary>Tells faults of the disk from faults of the network, which have the same type.</summary>
internal static class DiskFailure
{
    /// <summary>The error of a cache that cannot be written.</summary>
    public static HubException Of(Exception error) =>
        new(HubErrorKind.Disk, $"The cache cannot be written: {Names.Shown.Text(error.Message)}", error);

    /// <summary>Whether an error is a fault of a file.</summary>
    public static bool IsOne(Exception error) => error is IOException or UnauthorizedAccessException;

    /// <summary>Does something to a file.</summary>
    /// <exception cref="HubException">It cannot be done.</exception>
    public static async ValueTask GuardAsync(Func<ValueTask> action)
    {
        try
        {
            await action().ConfigureAwait(false);
        }
        catch (Exception error) when (IsOne(error))
        {
            throw Of(error);
        }
    }

    /// <summary>Does something to a file.</summary>
    /// <exception cref="HubException">It cannot be done.</exception>
    public static T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception error) when (IsOne(error))
        {
            throw Of(error);
        }
    }

    /// <summary>Does something to a file.</summary>
    /// <exception cref="HubException">It cannot be done.</exception>
    public static void Guard(Action action) => Guard(() =>
    {
        action();
        return true;
    });
}
