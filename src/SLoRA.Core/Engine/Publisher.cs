using SLoRA.Sampling;
using SLoRA.Sequences;
using SLoRA.Step;

namespace SLoRA.Engine;

/// <summary>
/// What comes after the decoder: takes the logits of a step, chooses tokens and hands them to their streams. An error there is that
/// request's and nobody else's. Belongs to the engine's thread.
/// </summary>
internal sealed class Publisher(EngineParts parts, ActiveRequests requests)
{
    private readonly SamplingScratch _scratch = new(parts.Decoder.Description.VocabularySize);

    /// <summary>Tokens handed to streams since the engine was built.</summary>
    public long Published { get; private set; }

    /// <summary>
    /// Describes to the device which tokens it can choose by itself: those of requests for which nobody else needs the logits.
    /// </summary>
    public void Describe(StepPlan plan, IReadOnlyList<Sequence> sequences)
    {
        if (!parts.Decoder.ChoosesTokens)
        {
            return;
        }

        int output = 0;
        for (int i = 0; i < sequences.Count; i++)
        {
            StepSlice slice = plan.Slices[i];
            for (; output < plan.OutputCount && plan.OutputRows[output] < slice.FirstRow + slice.RowCount; output++)
            {
                if (plan.OutputRows[output] == slice.FirstRow + slice.RowCount - 1 && sequences[i].Pending == slice.RowCount)
                {
                    sequences[i].DescribeChoice(output, plan.Choices);
                }
            }
        }
    }

    /// <summary>Goes through the output rows of a step that the decoder has run.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="sequences">The sequence of each of its slices.</param>
    public void SampleAndPublish(StepPlan plan, IReadOnlyList<Sequence> sequences)
    {
        int output = 0;
        long now = parts.Clock.GetTimestamp();
        for (int i = 0; i < sequences.Count; i++)
        {
            Sequence sequence = sequences[i];
            StepSlice slice = plan.Slices[i];
            sequence.Advance(slice.RowCount);
            for (; output < plan.OutputCount && plan.OutputRows[output] < slice.FirstRow + slice.RowCount; output++)
            {
                // A continuation may have ended its whole request in this very step: its siblings ask nobody any more.
                if (sequence.Finished is null)
                {
                    int row = plan.OutputRows[output] - slice.FirstRow;
                    Take(sequence, slice.FirstPosition + row, output, row == slice.RowCount - 1, now);
                }
            }
        }
    }

    private void Take(Sequence sequence, int position, int output, bool isLast, long now)
    {
        if (!TakeOwn(sequence, position, output, isLast, now))
        {
            return;
        }

        ReadOnlySpan<float> logits = parts.Decoder.Logits(output);
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
    private bool TakeOwn(Sequence sequence, int position, int output, bool isLast, long now)
    {
        try
        {
            if (parts.Decoder.Chosen(output) is var token and >= 0)
            {
                NoteFirstToken(sequence.Request, now);
                int before = sequence.Count;
                sequence.Accept(token);
                Published += sequence.Count - before;
                return false;
            }

            ReadOnlySpan<float> logits = parts.Decoder.Logits(output);
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

            NoteFirstToken(sequence.Request, now);
            return TrySample(sequence, logits);
        }
        catch (Exception error)
        {
            requests.Fail(sequence.Request, error);
            return false;
        }
    }

    private void NoteFirstToken(RequestState request, long now)
    {
        if (request.FirstToken == 0)
        {
            request.FirstToken = now;
            parts.Metrics.FirstToken(request.Asked, parts.Clock.GetElapsedTime(request.Arrived, now));
        }
    }

    /// <summary>Chooses a token; false when a hook of the host program throws, or when no token can be chosen from the logits.</summary>
    private bool TrySample(Sequence sequence, ReadOnlySpan<float> logits)
    {
        int before = sequence.Count;
        try
        {
            sequence.Sample(logits, _scratch);
            Published += sequence.Count - before;
            return true;
        }
        catch (Exception error)
        {
            requests.Fail(sequence.Request, error);
            return false;
        }
    }
}
