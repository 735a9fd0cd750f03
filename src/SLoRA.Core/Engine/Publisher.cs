using SLoRA.Sampling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// What comes after the decoder: takes the logits of a step, chooses tokens and hands them to their streams. An error there is that
/// request's and nobody else's. Belongs to the engine's thread.
/// </summary>
/// <param name="parts">What the engine is made of.</param>
/// <param name="requests">Where continuations fork.</param>
/// <param name="endings">Ends a request that fails.</param>
internal sealed class Publisher(EngineParts parts, ActiveRequests requests, RequestEndings endings)
{
    private readonly SamplingScratch _scratch = new(parts.Decoder.Shape.VocabularySize + parts.Decoder.Shape.AddedTokens);

    /// <summary>Tokens written into streams since the engine was built.</summary>
    public long Chosen { get; private set; }

    /// <summary>
    /// Describes to the device which tokens it can choose by itself: those of requests for which nobody else needs the logits.
    /// </summary>
    public void Describe(StepPlan plan, IReadOnlyList<Sequence> sequences)
    {
        if (!parts.Decoder.ChoosesTokens)
        {
            return;
        }

        for (int i = 0; i < sequences.Count; i++)
        {
            StepSlice slice = plan.Slices[i];
            if (slice.OutputCount > 0 && sequences[i].Pending == slice.RowCount)
            {
                sequences[i].DescribeChoice(slice.FirstOutput + slice.OutputCount - 1, plan.Choices);
            }
        }
    }

    /// <summary>
    /// Goes through the output rows of a slice that the decoder has run: what they give is written into the stream, which shows it to its
    /// consumer when it is published.
    /// </summary>
    /// <param name="slice">The slice.</param>
    /// <param name="sequence">Its sequence.</param>
    public void Choose(StepSlice slice, Sequence sequence)
    {
        sequence.Advance(slice.RowCount);

        // A continuation may have ended its whole request in this very step: its siblings ask nobody any more.
        for (int i = 0; i < slice.OutputCount && sequence.Finished is null; i++)
        {
            int row = slice.RowCount - slice.OutputCount + i;
            Take(sequence, slice.FirstPosition + row, slice.FirstOutput + i, row == slice.RowCount - 1);
        }
    }

    /// <summary>Hands what has been written to a request's stream to its consumer.</summary>
    public void Publish(RequestState request)
    {
        try
        {
            request.Stream.Publish();
        }
        catch (Exception error)
        {
            endings.Fail(request, error);
        }
    }

    private void Take(Sequence sequence, int position, int output, bool isLast)
    {
        if (!TakeOwn(sequence, position, output, isLast))
        {
            return;
        }

        ReadOnlySpan<float> logits = Logits(sequence, output);
        for (int forks = sequence.PendingForks; forks > 0; forks--)
        {
            // The device copies a page: what fails there is the engine's fault and not the request's.
            if (!TrySample(requests.Fork(sequence), logits))
            {
                return;
            }
        }
    }

    /// <summary>Takes an output row for the sequence that computed it.</summary>
    /// <returns>Whether it chose a token from logits, so that continuations may fork.</returns>
    private bool TakeOwn(Sequence sequence, int position, int output, bool isLast)
    {
        // What the device gives: if it fails here, that is the engine's fault and not the request's.
        int token = parts.Decoder.Chosen(output);
        ReadOnlySpan<float> logits = token >= 0 ? [] : Logits(sequence, output);
        try
        {
            if (token >= 0)
            {
                NoteFirstToken(sequence.Request);
                int before = sequence.Count;
                sequence.Accept(token);
                Chosen += sequence.Count - before;
                return false;
            }

            GenerationRequest asked = sequence.Request.Asked;
            asked.Tap?.Take(position, logits);
            if (position < sequence.PromptLength - 1 && asked.LogProbabilities is { IncludePrompt: true })
            {
                sequence.ReportPrompt(position, logits);
            }

            if (!isLast || sequence.Pending != 0)
            {
                return false;
            }

            NoteFirstToken(sequence.Request);
            return TrySample(sequence, logits);
        }
        catch (Exception error)
        {
            endings.Fail(sequence.Request, error);
            return false;
        }
    }

    /// <summary>The logits of the tokens that a sequence may have: those of the model, and those that its adapter adds.</summary>
    private ReadOnlySpan<float> Logits(Sequence sequence, int output) =>
        parts.Decoder.Logits(output)[..(parts.Decoder.Shape.VocabularySize + sequence.Request.AddedTokens)];

    private void NoteFirstToken(RequestState request)
    {
        if (request.FirstToken == 0)
        {
            request.FirstToken = parts.Clock.GetTimestamp();
            parts.Metrics.FirstToken(request.Asked, parts.Clock.GetElapsedTime(request.Arrived, request.FirstToken));
        }
    }

    /// <summary>Chooses a token; false when a hook of the host program throws, or when no token can be chosen from the logits.</summary>
    private bool TrySample(Sequence sequence, ReadOnlySpan<float> logits)
    {
        int before = sequence.Count;
        try
        {
            sequence.Sample(logits, _scratch);
            Chosen += sequence.Count - before;
            return true;
        }
        catch (Exception error)
        {
            endings.Fail(sequence.Request, error);
            return false;
        }
    }
}
