using System.CommandLine;
using SLoRA.Evaluation.Experiments;
using SLoRA.Evaluation.Reports;
using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation;

/// <summary>The command line.</summary>
internal static class EvaluationCommands
{
    private const string InputsVariable = "SLORA_EVALUATION_INPUTS";

    /// <summary>All commands.</summary>
    public static RootCommand Root() => new("Evaluates serving as S-LoRA's paper does, in real runs and in simulation.")
    {
        Measure(), Predict(), Simulate(), Report(), PlanCommand.Create(),
    };

    private static Command Measure()
    {
        var what = new Argument<string[]>("what")
        {
            Description = "validate: predicted beside measured; systems, crossover: what we are compared with; flood; answers: whether all "
                + "systems answer alike.",
        };
        what.AcceptOnlyFromAmong("validate", "systems", "crossover", "flood", "answers");
        Option<string> shape = DecoderShape();
        Option<double> seconds = new("--seconds") { Description = "Seconds of arrivals of a run.", DefaultValueFactory = _ => 10 };
        Option<int> threads = Threads("Threads that compute.");
        Option<string> results = Results();
        var command = new Command("measure", "Real runs on this machine, which should be quiet.")
        {
            what, shape, seconds, threads, results,
        };
        command.SetAction(options =>
        {
            var folder = new ResultFolder(options.GetValue(results)!);
            var machine = new MeasuredMachine(
                Shape.Find(options.GetValue(shape)!)!, options.GetValue(threads), options.GetValue(seconds), Console.WriteLine);
            var experiments = new MeasuredExperiments(machine, folder);
            foreach (string name in options.GetValue(what)!)
            {
                folder.Save(name switch
                {
                    "validate" => new Validation(machine, folder).Measure(),
                    "systems" => experiments.Systems(),
                    "crossover" => experiments.Crossover(),
                    "flood" => experiments.Flood(),
                    _ => experiments.Answers(),
                });
            }
        });
        return command;
    }

    private static Command Predict()
    {
        Option<string> shape = DecoderShape();
        Option<string> results = Results();
        var command = new Command("predict", "Predicts the runs of 'measure validate' again, from the steps that it has measured.")
        {
            shape, results,
        };
        command.SetAction(options =>
        {
            var folder = new ResultFolder(options.GetValue(results)!);
            var machine = new MeasuredMachine(Shape.Find(options.GetValue(shape)!)!, 1, 1, Console.WriteLine);
            if (new Validation(machine, folder).PredictAgain() is not { } result)
            {
                Console.WriteLine("nothing has been measured: 'measure validate' does");
                return;
            }

            folder.Save(result);
        });
        return command;
    }

    private static Option<string> DecoderShape()
    {
        Option<string> shape = new("--shape") { Description = "The decoder.", DefaultValueFactory = _ => "135m" };
        shape.AcceptOnlyFromAmong("135m", "1b");
        return shape;
    }

    private static Command Simulate()
    {
        var what = new Argument<string[]>("what") { Description = "Experiments; all by default.", DefaultValueFactory = _ => [] };
        what.AcceptOnlyFromAmong([.. Simulations(null!, null).Select(simulation => simulation.Name)]);
        Option<string?> inputs = new("--inputs")
        {
            Description = $"The folder with {RealTrace.FileName}, for 'real'; {InputsVariable} by default.",
            DefaultValueFactory = _ => Environment.GetEnvironmentVariable(InputsVariable),
        };
        Option<int> threads = Threads("Simulations at a time.");
        Option<string> results = Results();
        var command = new Command("simulate", "The paper's evaluation, a fleet and fairness, in virtual time.")
        {
            what, inputs, threads, results,
        };
        command.SetAction(options =>
        {
            var folder = new ResultFolder(options.GetValue(results)!);
            string[] asked = options.GetValue(what)!;
            var runs = new SimulatedExperiments(options.GetValue(threads));
            foreach ((string name, Func<IEnumerable<ExperimentResult>> run) in Simulations(runs, options.GetValue(inputs)))
            {
                if (asked.Length > 0 && !asked.Contains(name))
                {
                    continue;
                }

                foreach (ExperimentResult result in run())
                {
                    Console.WriteLine($"{result.Name}: {result.Conditions}");
                    folder.Save(result);
                }
            }
        });
        return command;
    }

    private static IEnumerable<(string Name, Func<IEnumerable<ExperimentResult>> Run)> Simulations(
        SimulatedExperiments runs, string? inputs)
    {
        yield return ("adapters", () => runs.Adapters());
        yield return ("thousands", () => runs.Thousands());
        yield return ("rates", () => [runs.Rates()]);
        yield return ("skews", () => [runs.Skews()]);
        yield return ("bursts", () => runs.Bursts());
        yield return ("clusters", () => runs.Clusters());
        yield return ("merging", () => runs.Merging());
        yield return ("fairness", () => [new FairnessExperiments(runs).Fairness()]);
        yield return ("flood", () => [new FairnessExperiments(runs).Flood()]);
        yield return ("hardware", () => [new FleetExperiments(runs).Hardware()]);
        yield return ("fleet", () => [new FleetExperiments(runs).Fleet()]);
        yield return ("real", () => Real(runs, inputs));
    }

    private static IEnumerable<ExperimentResult> Real(SimulatedExperiments runs, string? inputs)
    {
        string? file = inputs is null ? null : Path.Combine(inputs, RealTrace.FileName);
        if (file is null || !File.Exists(file))
        {
            Console.WriteLine($"real: skipped, there is no {RealTrace.FileName}; --inputs or {InputsVariable} names its folder");
            return [];
        }

        return [runs.Real(RealTrace.Read(file))];
    }

    private static Command Report()
    {
        Option<string> results = Results();
        Option<string> page = new("--page") { Description = "The page.", DefaultValueFactory = _ => "docs/evaluation.md" };
        var command = new Command("report", "Makes tables and pictures of the page from the results.") { results, page };
        command.SetAction(options =>
        {
            var folder = new ResultFolder(options.GetValue(results)!);
            string file = options.GetValue(page)!;
            var tables = new Tables(folder);
            string text = File.ReadAllText(file);
            foreach (string name in EvaluationPage.Names(text))
            {
                Console.WriteLine($"{name}: {(tables.Of(name) is null ? "no results, stays" : "made")}");
            }

            File.WriteAllText(file, EvaluationPage.Replace(text, tables.Of));
            foreach (string drawn in new Plots(folder).Draw())
            {
                Console.WriteLine(drawn);
            }
        });
        return command;
    }

    private static Option<string> Results() => new("--results")
    {
        Description = "The folder of raw results.",
        DefaultValueFactory = _ => "docs/evaluation",
    };

    private static Option<int> Threads(string description)
    {
        Option<int> threads = new("--threads") { Description = description, DefaultValueFactory = _ => Environment.ProcessorCount };
        threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
            {
                result.AddError("--threads must be at least 1.");
            }
        });
        return threads;
    }
}
