using System.Runtime.ExceptionServices;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>Work in several tasks that is of use only together.</summary>
internal static class FirstFailure
{
    /// <summary>Waits until all have ended. The first that fails stops the others, and its error is the one that counts.</summary>
    public static async Task WhenAllAsync(IReadOnlyCollection<Task> tasks, CancellationTokenSource stop)
    {
        Exception? first = null;
        await foreach (Task task in Task.WhenEach(tasks).ConfigureAwait(false))
        {
            if (task.IsFaulted)
            {
                first ??= task.Exception.InnerException;
                await stop.CancelAsync().ConfigureAwait(false);
            }
        }

        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        await Task.WhenAll(tasks).ConfigureAwait(false);
    }
}
