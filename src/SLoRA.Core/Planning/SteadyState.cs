namespace SLoRA.Planning;

/// <summary>
/// The steps of an engine under even traffic. With N requests that decode, each step has their N rows, and as many rows of prompts as
/// arrive while it runs; requests stay for as many steps as their answers have tokens.
/// </summary>
/// <param name="traffic">What is asked.</param>
/// <param name="cost">What steps cost.</param>
/// <param name="popularity">Which adapters are asked for.</param>
/// <param name="rank">Their rank, on average.</param>
/// <param name="adapterPages">Their pages, on average.</param>
internal sealed class SteadyState(TrafficProfile traffic, StepCost cost, Popularity popularity, double rank, double adapterPages)
{
    /// <summary>Which adapters are asked for.</summary>
    public Popularity Popularity => popularity;

    /// <summary>The most requests whose pages, with those of their adapters, find room.</summary>
    public int MostRunning(int pages, int requestPages, int places)
    {
        int least = 1;
        int most = Math.Max(1, Math.Min(places, pages / requestPages));
        while (least < most)
        {
            int middle = least + ((most - least + 1) / 2);
            bool fits = (middle * (double)requestPages) + (adapterPages * popularity.Distinct(middle)) <= pages;
            (least, most) = fits ? (middle, most) : (least, middle - 1);
        }

        return least;
    }

    /// <summary>Seconds of a step with so many requests that decode, if each that ends is followed by the next.</summary>
    public double StepSeconds(double running)
    {
        // A request brings its prompt's rows once in as many steps as its answer has tokens.
        double prompts = running * traffic.PromptTokens / traffic.OutputTokens;
        double rows = running + prompts;
        double positions = (running * (traffic.PromptTokens + (traffic.RunningOutputTokens / 2))) + (prompts * traffic.PromptTokens / 2.0);
        double distinct = popularity.Distinct(running);
        return cost.Seconds(new StepLoad(rows, running, positions, distinct, distinct * rank, rows * (distinct > 0 ? rank : 0)));
    }

    /// <summary>Requests that decode at once: as many as it takes to answer what arrives, or as many as there can be.</summary>
    /// <param name="most">As many as there can be.</param>
    /// <param name="rounds">Halvings of the interval.</param>
    /// <param name="isSaturated">Whether these are too few.</param>
    public double Running(int most, int rounds, out bool isSaturated)
    {
        isSaturated = Served(most) < traffic.RequestsPerSecond;
        if (isSaturated)
        {
            return most;
        }

        // A fixed part of a step is shared by all, so that more requests at once are served faster: there is one crossing.
        double least = 0;
        double enough = most;
        for (int i = 0; i < rounds; i++)
        {
            double middle = (least + enough) / 2;
            (least, enough) = Served(middle) < traffic.RequestsPerSecond ? (middle, enough) : (least, middle);
        }

        return enough;
    }

    /// <summary>Seconds from arrival to the first token where nobody waits for room.</summary>
    /// <param name="step">Seconds of a step on average.</param>
    /// <param name="promptSteps">Steps that a prompt takes.</param>
    public double FirstTokenSeconds(double step, double promptSteps) =>
        (step / 2) + (step * (promptSteps - 1)) + Math.Max(step, cost.Step + (cost.Row * traffic.PromptTokens / promptSteps));

    private double Served(double running) => running == 0 ? 0 : running / (traffic.OutputTokens * StepSeconds(running));
}
