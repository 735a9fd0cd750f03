using SLoRA.Adapters.Packing;
using SLoRA.Adapters.Resident;
using SLoRA.Errors;
using SLoRA.Scheduling;
using SLoRA.Sequences;

namespace SLoRA.Engine;

/// <summary>
/// What becomes of content that has been read in the background, and of those who wait for it. Belongs to the engine's thread.
/// </summary>
/// <param name="residency">Keeps the content.</param>
/// <param name="demand">Says who can never fit, now that sizes are known.</param>
/// <param name="queue">Who waits.</param>
/// <param name="endings">Ends those who cannot go on.</param>
/// <param name="vocabulary">Which tokens a request may have.</param>
internal sealed class ContentArrivals(
    Residency residency, PageDemand demand, WaitingQueue queue, RequestEndings endings, VocabularyRule vocabulary)
{
    /// <summary>Gives waiting sequences the content they wait for, or the error.</summary>
    /// <param name="registration">Whose content.</param>
    /// <param name="loaded">What has been read; taken over. Null when there was an error.</param>
    /// <param name="error">Why it could not be read.</param>
    public void Take(AdapterRegistration registration, LoadedAdapter? loaded, Exception? error)
    {
        if (loaded is not null)
        {
            error = Attached(registration, loaded);
        }

        residency.Loads.End(registration, loaded?.Image is not null, error);
        if (error is null)
        {
            FailNotServed(registration);
        }
        else if (error is not OperationCanceledException)
        {
            if (error is AdapterNotFoundException)
            {
                residency.Names.Forget(registration);
            }

            if (error is AdapterChangedException)
            {
                registration.NoteStale();
            }

            endings.FailWaitingFor(registration, error);
            residency.Preloads.Fail(registration, error);
        }
    }

    /// <summary>Takes content over. That there is no memory to keep it is the error of those who wait for it and nobody else's.</summary>
    private AdapterLoadException? Attached(AdapterRegistration registration, LoadedAdapter loaded)
    {
        try
        {
            residency.Attach(registration, loaded, changed => endings.FailBegun(registration, changed));
            return null;
        }
        catch (Exception error)
        {
            if (loaded.Image is { } image && !residency.Generations.Holds(image))
            {
                loaded.Dispose();
            }

            return new AdapterLoadException(
                registration.Name, LoadErrorKind.File, "cannot be kept: " + Shown.Text(ErrorText.Of(error)), error);
        }
    }

    /// <summary>
    /// Ends the waiting requests that are too large, whose adapters do not go together, or that have tokens which their adapter does not
    /// have, now that one of these is known.
    /// </summary>
    private void FailNotServed(AdapterRegistration registration)
    {
        foreach (Sequence sequence in queue.WaitingFor(registration))
        {
            SLoraException? error = MixingRule.RefusalOf(sequence.Request.Adapters.AsSpan());
            error ??= vocabulary.RefusalOf(sequence.Request.Asked, sequence.Request.Adapters);
            error ??= demand.RefusalOf(sequence);
            if (error is not null)
            {
                endings.Fail(sequence.Request, error);
            }
            else
            {
                residency.Needs.Note(sequence);
            }
        }
    }
}
